-- By which mapping and chunker everything that a sync's target shows was made.

alter table livesync.syncs
    add column mapping_version text not null default '',
    add column chunker_version text not null default '';
