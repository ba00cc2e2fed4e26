-- How often the sources may be called: token buckets that all processes share.

create table livesync.budgets (
    owner      text not null,             -- what is counted: a connection or a platform
    host       text not null,             -- '' where all hosts count together
    per_s      double precision not null, -- of the budget; 0 is no budget, only a server's "wait"
    tokens     double precision not null, -- calls that may go out at once
    seen_at    timestamptz not null,      -- by this server's clock, when the row was last brought up to date
    taken      bigint not null default 0, -- calls that were ever granted
    live       double precision not null default 0, -- recent live calls, older ones counting less
    live_until timestamptz,               -- a live call waits: until then backfills get nothing
    held_until timestamptz,               -- the server said wait
    primary key (owner, host, per_s)
) with (fillfactor = 50);

-- Take one call out of all these buckets, or out of none: 0, or the seconds after which to ask
-- again. Row n is named by owners[n], hosts[n], spans[n] (per_s); bursts[n] tokens are the most it
-- holds, one comes back every spacings[n] seconds. With per_s 0 it only says whether a server
-- wants to be left alone, and need not be there. at: the time, where it is not this server's.
--
-- The clock is read when the rows are locked, so that no two calls see it in the wrong order. When
-- it has gone back, what was to come is moved back with it: nothing is gained, nothing stalls.
create function livesync.take_call(
    owners text[], hosts text[], spans double precision[], bursts integer[],
    spacings double precision[], backfill boolean, at timestamptz
) returns double precision language plpgsql as $$
declare
    clock timestamptz;
    wait  double precision;
begin
    insert into livesync.budgets (owner, host, per_s, tokens, seen_at)
    select a.owner, a.host, a.per_s, a.burst, coalesce(take_call.at, clock_timestamp())
      from unnest(owners, hosts, spans, bursts) as a (owner, host, per_s, burst)
     where a.per_s > 0
     order by a.owner, a.host, a.per_s
        on conflict do nothing;

    perform from livesync.budgets b
      join unnest(owners, hosts, spans) as a (owner, host, per_s) using (owner, host, per_s)
     order by owner, host, per_s
       for update of b;
    clock := coalesce(take_call.at, clock_timestamp());

    update livesync.budgets b
       set tokens = least(a.burst, b.tokens
               + greatest(extract(epoch from clock - b.seen_at), 0) / a.spacing_s),
           live = case when b.live < 0.001 then 0 else b.live * exp(- least(20,
               greatest(extract(epoch from clock - b.seen_at), 0)::double precision
               / greatest(b.per_s, 60))) end,
           live_until = b.live_until + least(clock - b.seen_at, '0'),
           held_until = b.held_until + least(clock - b.seen_at, '0'),
           seen_at = clock
      from unnest(owners, hosts, spans, bursts, spacings)
           as a (owner, host, per_s, burst, spacing_s)
     where (b.owner, b.host, b.per_s) = (a.owner, a.host, a.per_s);

    select max(greatest(
               case when b.per_s > 0 then (1 - b.tokens + r.reserve) * a.spacing_s end,
               extract(epoch from b.held_until - clock),
               case when backfill then extract(epoch from b.live_until - clock) end,
               0))
      into wait
      from livesync.budgets b
      join unnest(owners, hosts, spans, bursts, spacings)
           as a (owner, host, per_s, burst, spacing_s) using (owner, host, per_s),
           -- of a full bucket, the share that live calls had of late, a fifth at the least
           lateral (select case when backfill then ceil((a.burst - 1) * greatest(0.2, least(1,
               b.live * a.spacing_s / greatest(b.per_s, 60)))) else 0 end as reserve) r;

    if wait > 0 then
        update livesync.budgets b
           set live_until = greatest(b.live_until,
                   clock + make_interval(secs => (1 - b.tokens) * a.spacing_s + 1))
          from unnest(owners, hosts, spans, spacings) as a (owner, host, per_s, spacing_s)
         where (b.owner, b.host, b.per_s) = (a.owner, a.host, a.per_s)
           and not backfill and b.per_s > 0 and b.tokens < 1;
    else
        update livesync.budgets b
           set tokens = b.tokens - 1, taken = b.taken + 1,
               live = b.live + case when backfill then 0 else 1 end
          from unnest(owners, hosts, spans) as a (owner, host, per_s)
         where (b.owner, b.host, b.per_s) = (a.owner, a.host, a.per_s) and b.per_s > 0;
    end if;
    return ceil(wait * 1000) / 1000;
end
$$;
