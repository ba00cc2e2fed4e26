-- Old versions of rows leave their blocks.

-- Whether what the lines of a block have superseded is gone.
alter table livesync.row_blocks add column cleaned boolean not null default false;

-- The last entry of the ledger that tells of rows at other ends than the sync has now.
alter table livesync.syncs add column rows_since bigint not null default 0;
