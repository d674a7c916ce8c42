-- name: lock_migrations
SELECT pg_advisory_lock(7233080061)

-- name: unlock_migrations
SELECT pg_advisory_unlock(7233080061)

-- name: current_schema
SELECT current_schema()

-- name: create_schema_command
SELECT 'CREATE SCHEMA ' || trim(split_part(current_setting('search_path'), ',', 1))

-- name: create_migrations_table
CREATE TABLE IF NOT EXISTS heddle_migrations (
    number      integer PRIMARY KEY,
    name        text NOT NULL,
    sha256      text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
)

-- name: applied_migrations
SELECT number, sha256 FROM heddle_migrations

-- name: record_migration
INSERT INTO heddle_migrations (number, name, sha256) VALUES ($1, $2, $3)
