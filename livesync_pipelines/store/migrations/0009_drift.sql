-- What a daily look at random items found. `held` and `seen` are versions, ours and the source's;
-- `settled_at` is when a change that was seen turned out to have been brought in, or not.

create table livesync.drift_samples (
    sync_id     text not null references livesync.syncs on delete cascade,
    sampled_on  date not null,
    key         text collate "C" not null,
    sampled_at  timestamptz not null,
    outcome     text not null,     -- 'same', 'lag', 'drift' or 'unread'
    finding     text,              -- of a lag or a drift: 'content', 'gone' or 'unknown'
    held        text,
    seen        text,
    settled_at  timestamptz,
    primary key (sync_id, sampled_on, key)
);
