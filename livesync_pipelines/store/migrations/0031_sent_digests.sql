-- By which bytes a file is known as one that we have sent, where nobody lived to tell of it.
alter table livesync.file_intents add column digest text;  -- null: a file is taken out
