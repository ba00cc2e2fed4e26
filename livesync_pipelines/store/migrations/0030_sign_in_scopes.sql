-- What a person who is signing in is asked to allow; sign-ins that are under way are begun again.

delete from livesync.sign_ins;
alter table livesync.sign_ins add column scopes text[] not null;
