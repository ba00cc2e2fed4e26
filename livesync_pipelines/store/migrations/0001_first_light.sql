-- What is asked for.

create table livesync.connections (
    name        text primary key,
    project_id  text not null,
    platform    text not null,
    options     jsonb not null
);

create table livesync.capsules (
    name        text primary key,
    project_id  text not null,
    language    text not null
);

create table livesync.syncs (
    sync_id      text primary key,
    lock_id      integer generated always as identity unique,
    project_id   text not null,
    connection   text not null references livesync.connections,
    capsule      text not null references livesync.capsules,
    config       jsonb not null,
    state        text not null default 'active',
    state_reason text,
    next_due_at  timestamptz,
    mark         text,             -- the source's answer to the last probe
    note         text,             -- the connector's own note
    resume       text,             -- where an unfinished listing goes on
    fence        bigint not null default 0,
    approved     integer not null default 0, -- removals that a person has allowed
    ledger_seq   bigint not null default 0,
    ledger_hash  bytea not null default '\x00000000000000000000000000000000'
);

-- What was done. (The tables that hold one line per item carry no foreign key: a check per line
-- would cost a fifth of a first sync. `catalog.remove_sync` clears them.)

create table livesync.operations (
    operation_id uuid primary key,
    sync_id      text not null references livesync.syncs on delete cascade,
    run_id       text,
    trigger      text not null,
    mode         text not null,
    status       text not null,
    started_at   timestamptz not null,
    finished_at  timestamptz,
    counts       jsonb not null default '{}',
    stage_s      jsonb not null default '{}',
    cursor_from  text,
    cursor_to    text,
    listing_digest text,          -- of (key, version) of a complete listing, where one was made
    error        jsonb
);
create index operations_newest on livesync.operations (sync_id, started_at desc);

create table livesync.ledger (
    sync_id      text not null,
    seq          bigint not null,
    at           timestamptz not null,
    item_id      text collate "C" not null,
    op           text not null,
    before       jsonb,
    after        jsonb,
    cause        text not null,
    operation_id uuid not null,
    run_id       text,
    policy       text not null,
    prev_hash    bytea not null,
    hash         bytea not null,
    primary key (sync_id, seq)
);
create index ledger_of_item on livesync.ledger (sync_id, item_id, seq desc);
create index ledger_of_operation on livesync.ledger (operation_id);

create table livesync.item_failures (
    sync_id      text not null,
    key          text collate "C" not null,
    version      text,
    code         text not null,
    reason       text not null,
    operation_id uuid not null,
    failed_at    timestamptz not null,
    primary key (sync_id, key)
);

-- What is known of the source.

create table livesync.shadow (
    sync_id      text collate "C" not null,
    item_id      text collate "C" not null,
    key          text collate "C" not null,
    version      text not null,
    identity     text,
    state        text,
    size         bigint,
    modified_at  timestamptz,
    fetched_at   timestamptz not null,
    content_hash bytea not null,
    fingerprint  bytea not null,
    operation_id uuid not null,
    primary key (sync_id, item_id),
    unique (sync_id, key) deferrable initially deferred
);
create index shadow_by_identity on livesync.shadow (sync_id, identity) where identity is not null;

create table livesync.records (
    sync_id      text collate "C" not null,
    item_id      text collate "C" not null,
    title        text not null,
    url          text not null,
    media_type   text not null,
    attributes   jsonb not null,
    primary key (sync_id, item_id)
);

create table livesync.contents (
    sync_id      text collate "C" not null,
    content_hash bytea not null,
    text         text not null,
    primary key (sync_id, content_hash)
);
alter table livesync.contents alter column text set storage external;

create table livesync.unsettled (
    sync_id      text collate "C" not null,
    key          text collate "C" not null,
    kind         text not null,    -- 'absent' or 'arrived'
    reason       text not null,    -- of an absence: 'not_listed', or what the source said
    entry        jsonb,            -- of an arrival
    primary key (sync_id, key, kind)
);

-- What a reader of a capsule sees.

create table livesync.documents (
    sync_id         text collate "C" not null,
    item_id         text collate "C" not null,
    capsule         text not null,
    title           text not null,
    url             text not null,
    media_type      text not null,
    attributes      jsonb not null,
    content_hash    bytea not null,
    layout          jsonb not null, -- its chunks in order: id, start, end, heading path
    chunk_count     integer not null, -- how many different ones
    mapping_version text not null,
    chunker_version text not null,
    primary key (sync_id, item_id)
);
create index documents_of_capsule on livesync.documents (capsule);

create table livesync.chunks (
    chunk_id     uuid primary key,
    sync_id      text collate "C" not null,
    item_id      text collate "C" not null,
    capsule      text not null,
    language     regconfig,
    text         text not null,
    tokens       integer not null,
    operation_id uuid not null,
    words        tsvector generated always as (to_tsvector(language, text)) stored
);
-- Compression would cost more than half of an insert, and saves a third of the room.
alter table livesync.chunks alter column text set storage external;
alter table livesync.chunks alter column words set storage external;
create index chunks_of_item on livesync.chunks (sync_id, item_id);
create index chunks_words on livesync.chunks using gin (words) with (gin_pending_list_limit = 65536);

-- What is to be done.

create table livesync.queue (
    sync_id      text primary key references livesync.syncs on delete cascade,
    trigger      text not null,
    full_resync  boolean not null default false,
    priority     integer not null,
    hints        integer not null default 1,
    queued_at    timestamptz not null default now(),
    requested_at timestamptz,
    request      bigint not null default 0
);
