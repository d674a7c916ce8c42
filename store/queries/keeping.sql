-- name: put_file
-- Files stored at the same moment do not see each other, so a run may end up a few files above its limit, not more.
INSERT INTO run_files (execution_id, sha256, name, content_type, size, body)
SELECT $1, $2, $3, $4, $5::bigint, $6
WHERE $5::bigint + (
    SELECT coalesce(sum(size), 0) FROM run_files WHERE execution_id = $1 AND (sha256, name) <> ($2, $3)
) <= $7::bigint
ON CONFLICT (execution_id, sha256, name) DO UPDATE SET created_at = clock_timestamp()
RETURNING 1

-- name: get_file
SELECT name, content_type, body FROM run_files
WHERE execution_id = $1 AND name = $2 AND sha256 = coalesce($3::bytea, sha256)
ORDER BY created_at DESC LIMIT 1

-- name: put_kept_value
-- Like files: values kept at the same moment do not see each other.
INSERT INTO kept_values (user_id, graph_id, key, body)
SELECT $1, $2, $3, $4
WHERE EXISTS (SELECT FROM kept_values WHERE user_id = $1 AND graph_id = $2 AND key = $3)
    OR (SELECT count(*) FROM kept_values WHERE user_id = $1) < $5
ON CONFLICT (user_id, graph_id, key) DO UPDATE SET body = excluded.body, updated_at = now()
RETURNING 1

-- name: get_kept_value
SELECT body FROM kept_values WHERE user_id = $1 AND graph_id = $2 AND key = $3

-- name: collect_items
SELECT body FROM collect_items($1, $2, $3, $4, $5, $6, $7) AS body
