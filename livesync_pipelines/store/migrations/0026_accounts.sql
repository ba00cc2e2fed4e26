-- Accounts on platforms, connected by OAuth, and sign-ins that are under way.

create table livesync.accounts (
    name         text collate "C" primary key,
    project_id   text not null,
    platform     text not null,
    base         text not null,               -- below which the vendor is found; empty: its own place
    client_id    text not null,               -- as whom we asked; the secret stays in the environment
    who          text not null,               -- whose it is, in the vendor's words; may be empty
    state        text not null,               -- 'connected' or 'revoked'
    sealed       bytea not null,              -- the tokens, by the vault, for the place account:NAME
    expires_at   timestamptz,                 -- of the access token; null: not known to end
    scopes       text[] not null,             -- granted
    error        jsonb,                       -- why it is revoked
    connected_at timestamptz not null,
    renewed_at   timestamptz not null
);

create table livesync.sign_ins (
    id           uuid primary key,
    state_digest bytea not null unique,       -- SHA-256 of the state that the vendor hands back
    name         text not null,               -- of the account that it is to be
    project_id   text not null,
    platform     text not null,
    base         text not null,
    client_id    text not null,
    redirect_uri text not null,
    sealed       bytea not null,              -- the PKCE verifier, for the place sign-in:ID
    expires_at   timestamptz not null,
    used_at      timestamptz,                 -- a state is taken once
    outcome      jsonb                        -- null until it has ended
);
create index sign_ins_ended on livesync.sign_ins (expires_at);
