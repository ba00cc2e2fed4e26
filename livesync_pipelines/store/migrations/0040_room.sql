-- The state of a row changes often, and none of what an index holds of it: with room in its page, it
-- is changed there, and the index stays as it is.
alter table livesync.row_base set (fillfactor = 90);
