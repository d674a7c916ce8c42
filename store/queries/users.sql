-- name: ensure_user
INSERT INTO users (id, email, name) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = excluded.name
WHERE (users.email, users.name) IS DISTINCT FROM (excluded.email, excluded.name)

-- name: new_user
WITH made AS (
    INSERT INTO users (id, email, name) SELECT $1, $2, $3
    WHERE NOT EXISTS (SELECT FROM users WHERE lower(email) = lower($2))
    RETURNING id
)
INSERT INTO api_keys (hash, user_id, name) SELECT $4, id, $5 FROM made
RETURNING user_id

-- name: add_api_key
INSERT INTO api_keys (hash, user_id, name) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING

-- name: user_by_api_key
-- The time of the last use is kept to the minute: a write for each request would cost more than the look-up.
WITH used AS (
    UPDATE api_keys SET last_used_at = now()
    WHERE hash = $1 AND is_active AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
)
SELECT users.id, users.email, users.name, users.timezone
FROM api_keys JOIN users ON users.id = api_keys.user_id
WHERE api_keys.hash = $1 AND api_keys.is_active
