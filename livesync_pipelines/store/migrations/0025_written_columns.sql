-- Which columns a sync of rows writes at its target: one that is gone there is nobody's edit.
alter table livesync.syncs add column target_columns text[];
