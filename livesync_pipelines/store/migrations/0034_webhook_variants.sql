-- What tells calls apart that bear one id, where a sender may have begun to count anew.
alter table livesync.webhook_events add column variant bytea not null default '';
alter table livesync.webhook_events drop constraint webhook_events_pkey;
alter table livesync.webhook_events add primary key (connection, delivery_id, variant);
