-- Until when somebody waits beside the source for what it says by itself.

alter table livesync.syncs add column watched_until timestamptz;
