-- Where a sync stands in its source's change feed.

alter table livesync.syncs
    add column cursor text,          -- up to where it has been taken in; null: list first
    add column ahead text;           -- where it stood when the listing under way began

comment on column livesync.unsettled.kind is 'absent, arrived, or owed: it failed, and no feed tells of it again';
