-- What is about to be sent for single files of a copy, noted before it is sent and deleted with what
-- became of it.

create table livesync.file_intents (
    sync_id      text collate "C" not null references livesync.syncs on delete cascade,
    name         text collate "C" not null,
    step         text not null,               -- put, compare, keep, move, remove
    expected     text,                        -- the version there now; null: there is no such file
    reserved     text,                        -- the identity that a new file is made under
    operation_id uuid not null,
    at           timestamptz not null,
    primary key (sync_id, name)
);
