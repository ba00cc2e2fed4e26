-- What happens, in order, for those who watch it happen; kept for a short while, so that a reader
-- who was away goes on where he was. Sequence numbers of a project become visible in their order.

create table livesync.events (
    seq          bigserial primary key,
    at           timestamptz not null,
    project_id   text not null,
    sync_id      text not null,
    operation_id uuid not null,
    kind         text not null,
    owner        text,             -- whom it concerns first
    document     jsonb not null
);
create index events_of_project on livesync.events (project_id, seq);
create index events_at on livesync.events (at);
