-- How the last operation of a sync went is asked for each of them at once: from the index alone.
drop index livesync.operations_newest;
create index operations_newest on livesync.operations (sync_id, started_at desc) include (status);
