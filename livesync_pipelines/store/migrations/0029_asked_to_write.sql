-- Whether whoever connects an account is asked to let us write, too.
alter table livesync.sign_ins add column writes boolean not null default false;
