-- A sync that is removed and added again under its name begins above every number that the operations
-- of the removed one had: what is left of them writes nothing to it.
create sequence livesync.generations;
alter table livesync.syncs alter column fence set default nextval('livesync.generations') << 32;
