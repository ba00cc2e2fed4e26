-- When a sync was last asked for: what was told before somebody cancelled is left alone with it.
alter table livesync.queue add column hinted_at timestamptz not null default now();
