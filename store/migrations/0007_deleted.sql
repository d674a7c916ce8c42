-- Runs that were deleted lately: their workflow may still be listed by the server, and is not to get a row again.
CREATE TABLE deleted_executions (
    id          text PRIMARY KEY,
    deleted_at  timestamptz NOT NULL
);
CREATE INDEX deleted_executions_age ON deleted_executions (deleted_at);
