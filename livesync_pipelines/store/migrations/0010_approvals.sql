-- Which removals a person has allowed: these items, and no others.

create table livesync.approvals (
    sync_id text not null references livesync.syncs on delete cascade,
    key     text collate "C" not null,
    primary key (sync_id, key)
);

alter table livesync.syncs drop column approved;
