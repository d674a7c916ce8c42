-- Credentials of users: what they are for in the open, what they consist of encrypted (AES-256-GCM) outside the database.
CREATE TABLE credentials (
    id          text PRIMARY KEY CHECK (id <> ''),
    user_id     text NOT NULL REFERENCES users ON DELETE CASCADE,
    provider    text NOT NULL,
    type        text NOT NULL,
    title       text NOT NULL,
    details     jsonb NOT NULL,                -- what depends on the type and is no secret: {"host": …}
    key_id      text NOT NULL,                 -- which key of the deployment it is encrypted with
    nonce       bytea NOT NULL,
    ciphertext  bytea NOT NULL,                -- bound to user, id, provider and type
    created_at  timestamptz NOT NULL
);
CREATE INDEX credentials_newest ON credentials (user_id, created_at DESC, id DESC);
