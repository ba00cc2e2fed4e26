-- Whether the last operation of a sync that ended took longer than 20 seconds: such a sync leaves a
-- place free for others. Null where none has ended yet.
alter table livesync.syncs add column takes_long boolean;

update livesync.syncs s set takes_long = (
    select o.finished_at - o.started_at > interval '20 seconds' from livesync.operations o
    where o.sync_id = s.sync_id and o.status not in ('running', 'refused')
    order by o.started_at desc limit 1);

drop trigger operation_entered on livesync.operations;
drop trigger operation_ended on livesync.operations;
drop function livesync.note_last_status();

create function livesync.note_how_it_went() returns trigger language plpgsql as $$
begin
    update livesync.syncs s set last_status = last.status, takes_long = last.took_long
    from (select distinct on (sync_id) sync_id, status, started_at,
              coalesce(finished_at - started_at, '0') > interval '20 seconds' as took_long
          from ended where status not in ('running', 'refused')
          order by sync_id, started_at desc) last
    where s.sync_id = last.sync_id
      and (s.last_status, s.takes_long) is distinct from (last.status, last.took_long)
      and not exists (select from livesync.operations o  -- one that was overtaken ends late
          where o.sync_id = last.sync_id and o.started_at > last.started_at
            and o.status not in ('running', 'refused'));
    return null;
end $$;

create trigger operation_entered after insert on livesync.operations
    referencing new table as ended for each statement execute function livesync.note_how_it_went();
create trigger operation_ended after update on livesync.operations
    referencing new table as ended for each statement execute function livesync.note_how_it_went();
