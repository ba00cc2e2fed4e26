-- How the last operation of a sync that ended went: asked for all of them at once.
alter table livesync.syncs add column last_status text;

update livesync.syncs s set last_status = (
    select o.status from livesync.operations o
    where o.sync_id = s.sync_id and o.status not in ('running', 'refused')
    order by o.started_at desc limit 1);

create function livesync.note_last_status() returns trigger language plpgsql as $$
begin
    update livesync.syncs s set last_status = last.status
    from (select distinct on (sync_id) sync_id, status, started_at from ended
          where status not in ('running', 'refused') order by sync_id, started_at desc) last
    where s.sync_id = last.sync_id and s.last_status is distinct from last.status
      and not exists (select from livesync.operations o  -- one that was overtaken ends late
          where o.sync_id = last.sync_id and o.started_at > last.started_at
            and o.status not in ('running', 'refused'));
    return null;
end $$;

create trigger operation_entered after insert on livesync.operations
    referencing new table as ended for each statement execute function livesync.note_last_status();
create trigger operation_ended after update on livesync.operations
    referencing new table as ended for each statement execute function livesync.note_last_status();
