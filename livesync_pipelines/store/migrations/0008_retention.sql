-- Which `compacted` entry (its seq) tells that this one's body was cut.

alter table livesync.ledger add column cut_by bigint;
