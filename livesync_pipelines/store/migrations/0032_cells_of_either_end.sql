-- A cell that does not fit may stand at either end, and neither may hold what the other has.
alter table livesync.bad_cells add column side text not null default 'source';
alter table livesync.bad_cells drop constraint bad_cells_pkey;
alter table livesync.bad_cells add primary key (sync_id, key, field, side);
