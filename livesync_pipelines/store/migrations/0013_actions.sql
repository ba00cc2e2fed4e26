-- Actions: webhooks of a sync that are told of its changes, each signed with a secret of its own.

alter table livesync.deliveries add column secret text; -- its ${NAME}; null: the installation's
