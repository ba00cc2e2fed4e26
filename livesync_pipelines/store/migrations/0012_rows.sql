-- Syncs between two tables: what both ends were last seen to hold, what was agreed, and what was
-- lost in agreeing.

alter table livesync.syncs
    alter column capsule drop not null,
    add column target text references livesync.connections, -- of rows, where there is no capsule
    add column source_shape jsonb,   -- the source's columns, as they were when last read
    add constraint one_target check ((capsule is null) <> (target is null));

alter table livesync.operations add column conflict_resolution text;

-- Values travel and stay in blocks, one for each page: an Arrow table with a line per row. Until it
-- is committed, the block has the negative number of its intent.
create table livesync.row_blocks (
    sync_id      text collate "C" not null,
    block        bigint not null,
    operation_id uuid not null,
    at           timestamptz not null,
    line_count   integer not null,
    digest       bytea not null,
    data         bytea not null,
    primary key (sync_id, block)
);
alter table livesync.row_blocks alter column data set storage external;

-- The state of each row: `source_mark` and `target_mark` are fingerprints of what each end showed
-- when last looked at (null: no such row there), `block` is where the values stand that both
-- agreed on. (No foreign keys: a check per line would cost more than the line.)
create table livesync.row_base (
    sync_id     text collate "C" not null,
    key         text collate "C" not null,
    source_mark bytea,
    target_mark bytea,
    block       bigint not null,
    turns       smallint not null default 0, -- how often in a row it went from one end to the other and back
    went_to     text,                        -- 'source' or 'target': where it was last written
    primary key (sync_id, key)
);

-- What is about to be written to an end; gone with the commit that tells of it.
create table livesync.intents (
    intent_id    bigint generated always as identity primary key,
    sync_id      text not null references livesync.syncs on delete cascade,
    operation_id uuid not null,
    at           timestamptz not null,
    conflicts    jsonb not null       -- what loses by it
);
create index intents_of_sync on livesync.intents (sync_id);

-- Where both ends were edited, and not to the same; and cells of the source that do not fit.
create table livesync.conflicts (
    conflict_id  bigint generated always as identity primary key,
    sync_id      text not null references livesync.syncs on delete cascade,
    key          text collate "C" not null,
    field        text,              -- null: the whole row, deleted by one and edited by the other
    policy       text not null,
    state        text not null,     -- 'open', 'answered', 'settled'
    winner       text,              -- 'source', 'target', 'merged' or 'value'
    reason       text not null,
    base         jsonb,
    source       jsonb,
    target       jsonb,
    answer       jsonb,             -- what a person chose: {"value": ...}
    source_actor text,
    target_actor text,
    source_time  timestamptz,
    target_time  timestamptz,
    owner        text,
    deadline     timestamptz,
    opened_at    timestamptz not null,
    settled_at   timestamptz,
    settled_by   text,
    operation_id uuid not null
);
create unique index conflicts_open on livesync.conflicts (sync_id, key, coalesce(field, ''))
    where state <> 'settled';
create index conflicts_newest on livesync.conflicts (sync_id, conflict_id desc);

create table livesync.bad_cells (
    sync_id      text not null references livesync.syncs on delete cascade,
    key          text collate "C" not null,
    field        text not null,
    value        text,
    reason       text not null,
    operation_id uuid not null,
    at           timestamptz not null,
    primary key (sync_id, key, field)
);
