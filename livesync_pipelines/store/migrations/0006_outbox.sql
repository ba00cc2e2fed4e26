-- What somebody may want to know, written together with what it tells, and who is told.

create table livesync.outbox (
    seq          bigserial primary key,
    at           timestamptz not null,
    project_id   text not null,
    sync_id      text not null references livesync.syncs on delete cascade,
    operation_id uuid not null,
    kind         text not null,
    document     jsonb not null
);
create index outbox_of_sync on livesync.outbox (sync_id, seq desc);
create index outbox_of_operation on livesync.outbox (operation_id);

create table livesync.deliveries (
    seq          bigint not null references livesync.outbox on delete cascade,
    address      text not null,    -- in the user's own words, ${NAME} unresolved
    message_id   uuid not null default gen_random_uuid(), -- the same on every try
    state        text not null default 'waiting', -- 'waiting', 'delivered' or 'dead'
    tries        integer not null default 0,
    not_before   timestamptz not null,
    waits_since  timestamptz not null,
    delivered_at timestamptz,
    error        text,
    primary key (seq, address)
);
create index deliveries_waiting on livesync.deliveries (not_before) where state = 'waiting';
create index deliveries_dead on livesync.deliveries (seq desc) where state = 'dead';

create table livesync.silenced (   -- addresses that want no more (HTTP 410)
    address text primary key,
    since   timestamptz not null
);

alter table livesync.syncs
    add column told text[] not null default '{}', -- what was told since all was well
    add column told_since timestamptz,
    add column untold integer not null default 0; -- items changed by operations that did not end well
