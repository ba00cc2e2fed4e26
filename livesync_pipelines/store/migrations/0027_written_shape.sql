-- Of the columns that a sync of rows writes at its target, the types too: nothing in a CSV says what
-- they are. The next run of each sync notes them.
alter table livesync.syncs add column target_shape jsonb;
alter table livesync.syncs drop column target_columns;
