-- name: lock_graph
-- Two who save one graph follow one another; a row to lock need not exist yet.
SELECT pg_advisory_xact_lock(hashtextextended($1, 0))

-- name: graph_owner_and_version
SELECT user_id, version FROM graphs WHERE id = $1 ORDER BY version DESC LIMIT 1

-- name: retire_graph
UPDATE graphs SET is_active = false, updated_at = clock_timestamp() WHERE id = $1 AND is_active

-- name: insert_graph
INSERT INTO graphs (
    id, version, user_id, name, description, body, sub_graphs, problems, is_active, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, true, statement_timestamp(), statement_timestamp())

-- name: active_graph
SELECT * FROM graphs WHERE id = $1 AND user_id = $2 AND is_active

-- name: graph_version
SELECT * FROM graphs WHERE id = $1 AND user_id = $2 AND version = $3

-- name: graph_versions
SELECT * FROM graphs WHERE id = $1 AND user_id = $2 ORDER BY version DESC

-- name: graphs_page
SELECT * FROM graphs
WHERE user_id = $1 AND is_active AND (created_at, id) < ($2, $3)
ORDER BY created_at DESC, id DESC
LIMIT $4

-- name: graphs_count
SELECT count(*) FROM graphs WHERE user_id = $1 AND is_active

-- name: sub_graphs
SELECT graph.id, graph.version, graph.is_active, graph.body, graph.sub_graphs
FROM unnest($1::text[], $2::integer[]) AS wanted (id, version)
JOIN graphs AS graph ON graph.id = wanted.id AND graph.version = wanted.version
