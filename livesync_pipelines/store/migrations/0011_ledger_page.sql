-- Which page (transaction) of its operation an entry was written with, from 1; null in older entries.

alter table livesync.ledger add column page integer;
