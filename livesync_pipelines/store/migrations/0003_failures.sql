-- What comes after a failure, of an operation and of an item.

alter table livesync.syncs
    add column failures_in_row integer not null default 0,
    add column paused_by text;       -- 'person', 'reauthorise' or 'failures'

alter table livesync.queue add column not_before timestamptz;

alter table livesync.item_failures
    add column tries integer not null default 1,
    add column first_failed_at timestamptz,
    add column retry_at timestamptz, -- null: only another version or a person is a reason to
    add column content bytea;        -- what could not be read, unless it is long
