-- What platforms call to say: who may call for a connection, and what was said.

-- scheme, secret, also, topic, url, as a user has written them: secrets by the name of a variable.
alter table livesync.connections add column webhook jsonb;

create index syncs_connection on livesync.syncs (connection);

-- One line for each delivery, however often it came. (No foreign key: a sender who calls again
-- after his connection was taken away and made anew is still known.)
create table livesync.webhook_events (
    connection   text collate "C" not null,
    delivery_id  text collate "C" not null,
    received_at  timestamptz not null,
    last_seen_at timestamptz not null,
    seen         integer not null default 1,
    scheme       text not null,
    digest       bytea not null,  -- SHA-256 of the body as it came
    hints        text[] not null,
    primary key (connection, delivery_id)
);
create index webhook_events_age on livesync.webhook_events (received_at);
create index webhook_events_of on livesync.webhook_events (connection, received_at);

-- What is known of each sender, so that nobody has to count.
create table livesync.webhook_senders (
    connection      text collate "C" primary key,
    delivered       bigint not null default 0,
    doubled         bigint not null default 0,
    refused         bigint not null default 0,
    held_back       bigint not null default 0, -- answered with a 429
    last_at         timestamptz,
    last_refused_at timestamptz
);
