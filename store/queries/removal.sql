-- name: delete_execution
-- The run with the runs of its sub-graphs, unless one of them or the run at the root is not over. A row that another
-- run id opens again meanwhile is looked at anew before it is deleted, and stays.
WITH RECURSIVE wanted AS MATERIALIZED (
    SELECT id, coalesce(root_id, id) AS root, status FROM graph_executions WHERE id = $2 AND user_id = $1
),
tree AS (
    SELECT id, root, status FROM wanted
    UNION
    SELECT below.id, tree.root, below.status
    FROM tree JOIN graph_executions AS below ON below.root_id = tree.root AND below.parent_id = tree.id
),
concerned AS (
    SELECT status FROM tree
    UNION ALL
    SELECT above.status FROM wanted JOIN graph_executions AS above ON above.id = wanted.root
),
gone AS (
    DELETE FROM graph_executions
    WHERE id = ANY (ARRAY(SELECT id FROM tree))
        AND status IN ('COMPLETED', 'FAILED', 'TERMINATED')
        AND NOT EXISTS (SELECT FROM concerned WHERE status NOT IN ('COMPLETED', 'FAILED', 'TERMINATED'))
    RETURNING id
)
SELECT EXISTS (SELECT FROM wanted) AS is_there, ARRAY(SELECT id FROM gone) AS gone

-- name: note_deleted
INSERT INTO deleted_executions (id, deleted_at) SELECT unnest($1::text[]), now()
ON CONFLICT (id) DO UPDATE SET deleted_at = excluded.deleted_at

-- name: deleted_executions
SELECT id, deleted_at FROM deleted_executions WHERE id = ANY ($1::text[])

-- name: prune_deleted
DELETE FROM deleted_executions
WHERE id IN (SELECT id FROM deleted_executions WHERE deleted_at < $1 LIMIT $2)
RETURNING 1

-- name: prune_executions
-- The oldest runs that stand at the root, with those of their sub-graphs. The number of a run's events stands for its
-- size: what one statement deletes stays bounded, though a single large run always goes.
WITH old AS MATERIALIZED (
    SELECT id, sum(last_event) OVER (ORDER BY ended_at, id) - last_event AS events_before
    FROM (
        SELECT run.id, run.ended_at, run.last_event
        FROM graph_executions AS run
        WHERE run.ended_at < $1 AND run.status IN ('COMPLETED', 'FAILED', 'TERMINATED')
            AND NOT EXISTS (SELECT FROM graph_executions AS root WHERE root.id = run.root_id)
            AND NOT EXISTS (
                SELECT FROM graph_executions AS below
                WHERE below.root_id = run.id AND below.status NOT IN ('COMPLETED', 'FAILED', 'TERMINATED')
            )
        ORDER BY run.ended_at, run.id
        LIMIT $2
    ) AS oldest
),
chosen AS MATERIALIZED (
    SELECT id FROM old WHERE events_before < $3
)
DELETE FROM graph_executions
WHERE id = ANY (ARRAY(
        SELECT id FROM chosen
        UNION ALL
        SELECT below.id FROM chosen JOIN graph_executions AS below ON below.root_id = chosen.id
    ))
    AND status IN ('COMPLETED', 'FAILED', 'TERMINATED')
RETURNING id

-- name: delete_executions_of_user
DELETE FROM graph_executions
WHERE id = ANY (ARRAY(
        SELECT id FROM (
            SELECT id, sum(last_event) OVER (ORDER BY created_at, id) - last_event AS events_before
            FROM (
                SELECT id, created_at, last_event FROM graph_executions
                WHERE user_id = $1 AND status IN ('COMPLETED', 'FAILED', 'TERMINATED')
                ORDER BY created_at DESC, id DESC
                LIMIT $2
            ) AS newest
        ) AS sized
        WHERE events_before < $3
    ))
    AND status IN ('COMPLETED', 'FAILED', 'TERMINATED')
RETURNING id

-- name: delete_node_executions
DELETE FROM node_executions WHERE execution_id = ANY ($1::text[])

-- name: delete_node_outputs
DELETE FROM node_outputs WHERE execution_id = ANY ($1::text[])

-- name: delete_execution_events
DELETE FROM execution_events WHERE execution_id = ANY ($1::text[])

-- name: delete_stored_values
DELETE FROM stored_values WHERE execution_id = ANY ($1::text[])

-- name: delete_run_files
DELETE FROM run_files WHERE execution_id = ANY ($1::text[])

-- name: delete_collected_items
DELETE FROM collected_items WHERE execution_id = ANY ($1::text[])

-- name: delete_run_slots
-- Those of runs that are over: none is left, unless the end of a run could not give its slot away.
DELETE FROM run_slots WHERE execution_id = ANY ($1::text[])

-- name: delete_superseded_executions
DELETE FROM superseded_node_executions WHERE execution_id = ANY ($1::text[])

-- name: delete_reviews
DELETE FROM reviews WHERE execution_id = ANY ($1::text[])

-- name: delete_graph_settings
DELETE FROM graph_settings WHERE user_id = $1 AND graph_id = coalesce($2::text, graph_id)

-- name: prune_values
DELETE FROM stored_values
WHERE (execution_id, sha256) IN (
    SELECT value.execution_id, value.sha256
    FROM stored_values AS value LEFT JOIN graph_executions AS run ON run.id = value.execution_id
    WHERE value.created_at < $1
        AND (run.id IS NULL OR (run.ended_at < $1 AND run.status IN ('COMPLETED', 'FAILED', 'TERMINATED')))
    LIMIT $2
)
RETURNING 1

-- name: prune_files
DELETE FROM run_files
WHERE (execution_id, sha256, name) IN (
    SELECT file.execution_id, file.sha256, file.name
    FROM run_files AS file LEFT JOIN graph_executions AS run ON run.id = file.execution_id
    WHERE file.created_at < $1
        AND (run.id IS NULL OR (run.ended_at < $1 AND run.status IN ('COMPLETED', 'FAILED', 'TERMINATED')))
    LIMIT $2
)
RETURNING 1

-- name: has_open_executions
SELECT EXISTS (
    SELECT FROM graph_executions
    WHERE user_id = $1 AND graph_id = coalesce($2::text, graph_id) AND status IN ('INCOMPLETE', 'QUEUED', 'RUNNING', 'REVIEW')
)

-- name: delete_graph
DELETE FROM graphs WHERE id = $2 AND user_id = $1 RETURNING version

-- name: delete_graphs_of_user
DELETE FROM graphs WHERE user_id = $1 RETURNING version

-- name: delete_kept_values
DELETE FROM kept_values WHERE user_id = $1 AND graph_id = coalesce($2::text, graph_id) RETURNING 1

-- name: delete_api_keys
DELETE FROM api_keys WHERE user_id = $1

-- name: delete_user
DELETE FROM users WHERE id = $1 RETURNING id
