-- The queues of platforms that cannot be read at present, and why.
create table livesync.unread_queues (
    connection text primary key references livesync.connections on delete cascade,
    error      jsonb not null,
    since      timestamptz not null
);
