-- When a source was last asked whether anything has changed, and a line for many such questions.

alter table livesync.syncs add column looked_at timestamptz;

create table livesync.looks (
    at      timestamptz not null,
    asked   integer not null,
    changed integer not null    -- so many of them were queued
);
create index looks_at on livesync.looks (at);
