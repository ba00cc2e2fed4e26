-- What is asked often stays quick however long the history is: what has ended since, what was last,
-- what a run has done, what is under way.

create index operations_ended on livesync.operations (finished_at);
create index operations_last on livesync.operations (started_at desc);
create index operations_of_run on livesync.operations (run_id);
create index operations_running on livesync.operations (sync_id) where status = 'running';
