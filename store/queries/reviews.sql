-- name: ask_review
INSERT INTO reviews AS held (
    execution_id, id, node_execution_id, node_id, user_id, attempt, status, payload, instructions, editable, asked_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, 'WAITING', $7, $8, $9, $10, $11)
ON CONFLICT (execution_id, id) DO UPDATE SET
    attempt = excluded.attempt, status = excluded.status, payload = excluded.payload, instructions = excluded.instructions,
    editable = excluded.editable, asked_at = excluded.asked_at, expires_at = excluded.expires_at,
    reviewer = NULL, message = NULL, data = NULL, decided_at = NULL, lasts = false
WHERE held.attempt < excluded.attempt

-- name: decide_review
UPDATE reviews AS held SET status = $4, reviewer = $5, message = $6, data = $7, decided_at = $8, lasts = $9
FROM graph_executions AS run
WHERE held.execution_id = $1 AND held.id = $2 AND run.id = $1 AND run.run_id = $3
RETURNING true

-- name: reopen_reviews
UPDATE reviews SET status = 'WAITING', reviewer = NULL, message = NULL, data = NULL, decided_at = NULL, lasts = false
WHERE execution_id = $1 AND node_execution_id = ANY ($2::text[])

-- name: forget_reviews
-- Of node executions that are set aside: they may ask again, under the same ids.
DELETE FROM reviews WHERE execution_id = $1 AND node_execution_id = ANY ($2::text[])

-- name: reviews_of_execution
SELECT * FROM shown_reviews WHERE execution_id = $2 AND run_user_id = $1 ORDER BY asked_at, id

-- name: reviews_by_id
SELECT * FROM shown_reviews WHERE id = ANY ($2::text[]) AND run_user_id = $1

-- name: reviews_waiting
-- The status is said once more: the index is of those that wait.
SELECT * FROM shown_reviews
WHERE user_id = $1 AND status = 'WAITING' AND waits AND (asked_at, id) < ($2, $3)
ORDER BY asked_at DESC, id DESC
LIMIT $4

-- name: reviews_waiting_count
SELECT count(*) FROM shown_reviews WHERE user_id = $1 AND status = 'WAITING' AND waits

-- name: show_status
-- The lock on the run's row comes first, as everywhere. Without limits ($5, $6) slots are left alone.
WITH run AS MATERIALIZED (
    SELECT id, user_id, graph_id, status, last_event FROM graph_executions
    WHERE id = $1 AND run_id = $2 AND status IN ('QUEUED', 'RUNNING', 'REVIEW')
    FOR NO KEY UPDATE
),
shown AS MATERIALIZED (
    SELECT run.*, CASE
        WHEN $3 = 'RUNNING' AND $5::integer IS NOT NULL AND NOT enter_slot(id, user_id, graph_id, $5, $6::integer) THEN 'QUEUED'
        ELSE $3 END AS to_status
    FROM run
),
told AS (
    INSERT INTO execution_events (execution_id, seq, type, status, at)
    SELECT id, last_event + 1, 'graph_execution_update', to_status, $4 FROM shown WHERE to_status <> status
),
changed AS (
    UPDATE graph_executions AS held SET status = to_status, last_event = shown.last_event + 1
    FROM shown WHERE held.id = shown.id AND to_status <> shown.status
)
SELECT to_status AS status,
    CASE WHEN to_status = 'REVIEW' AND $5::integer IS NOT NULL THEN leave_slot(id) END AS admitted,
    pg_notify('heddle_events', id)
FROM shown

-- name: graph_settings
SELECT human_in_the_loop_safe_mode, sensitive_action_safe_mode FROM graph_settings WHERE user_id = $1 AND graph_id = $2

-- name: change_graph_settings
INSERT INTO graph_settings (user_id, graph_id, human_in_the_loop_safe_mode, sensitive_action_safe_mode)
VALUES ($1, $2, coalesce($3, true), coalesce($4, false))
ON CONFLICT (user_id, graph_id) DO UPDATE SET
    human_in_the_loop_safe_mode = coalesce($3, graph_settings.human_in_the_loop_safe_mode),
    sensitive_action_safe_mode = coalesce($4, graph_settings.sensitive_action_safe_mode)
