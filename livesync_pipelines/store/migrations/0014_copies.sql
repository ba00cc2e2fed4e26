-- Syncs that copy files from one end to the other: what both were last seen to agree on, and what
-- was lost in agreeing.

-- A version is null where that end has no such file. `apart`: they agreed to differ.
create table livesync.copied_files (
    sync_id        text collate "C" not null references livesync.syncs on delete cascade,
    name           text collate "C" not null,
    source_version text,
    target_version text,
    apart          boolean not null default false,
    primary key (sync_id, name)
);

-- The bytes of what one end had of its own, kept before they are overwritten or removed. `told`:
-- a conflict says so.
create table livesync.lost_files (
    sync_id      text collate "C" not null references livesync.syncs on delete cascade,
    name         text collate "C" not null,
    version      text not null,
    content      bytea not null,
    told         boolean not null default false,
    operation_id uuid not null,
    at           timestamptz not null,
    primary key (sync_id, name, version)
);
