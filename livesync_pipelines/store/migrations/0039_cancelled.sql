-- What somebody has cancelled has a status of its own, beside what has failed.
update livesync.operations set status = 'cancelled'
where status = 'failed' and error ->> 'code' = 'cancelled';
