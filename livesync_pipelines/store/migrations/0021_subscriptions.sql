-- What platforms were asked to tell us, for as long as that must be kept up or taken back.

create table livesync.subscriptions (
    id           uuid primary key default gen_random_uuid(), -- unguessable: who names it was told it
    connection   text collate "C" not null,   -- no foreign key: what is taken away is still ended
    project_id   text not null,
    platform     text not null,
    options      jsonb not null,              -- the connection's, as written: secrets by their names
    base         text not null,               -- our public address; empty where nobody calls it
    wanted       boolean not null default true, -- else it is being ended
    state        text not null default 'pending', -- 'pending', 'active', 'failing' or 'gone'
    asking       text,                        -- 'subscribe' or 'unsubscribe' until that is confirmed
    asked_at     timestamptz,
    awaiting     boolean not null default false, -- the platform took it, and is to ask back
    topic        text not null default '',    -- what the platform names when it asks back
    name         text not null default '',    -- the platform's own for it
    held         text not null default '',    -- the connector's own memory
    key_mark     bytea,                       -- two bytes: enough to notice another secret
    confirmed_at timestamptz,
    expires_at   timestamptz,                 -- null: never, or not known yet
    looked_at    timestamptz,
    failures     integer not null default 0,  -- in a row
    error        jsonb,
    told         boolean not null default false, -- that it fails
    next_at      timestamptz not null,
    fence        bigint not null default 0,
    made_at      timestamptz not null
);
create unique index subscriptions_of on livesync.subscriptions (connection) where wanted;
create index subscriptions_due on livesync.subscriptions (next_at) where state <> 'gone';

-- That a subscription fails is no operation's doing.
alter table livesync.outbox alter column operation_id drop not null;
