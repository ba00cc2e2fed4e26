-- Of a conflict, why the target cannot hold what the source says in it. Those noted before do not
-- say so.
alter table livesync.conflicts add column unfit text;
