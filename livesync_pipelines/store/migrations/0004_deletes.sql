-- Why absences were believed, what is kept though it is gone, and how far a full resync got.

alter table livesync.operations add column proof jsonb;

alter table livesync.syncs add column full_since timestamptz; -- when the full resync that `resume` belongs to began

create table livesync.kept (
    sync_id     text not null references livesync.syncs on delete cascade,
    item_id     text collate "C" not null,
    key         text collate "C" not null,
    restored_at timestamptz not null,
    primary key (sync_id, item_id)
);
create index kept_by_key on livesync.kept (sync_id, key);
