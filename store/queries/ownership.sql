-- name: owners
SELECT id, run_id, status FROM graph_executions WHERE id = ANY ($1::text[])

-- name: orphans
-- Runs of sub-graphs that go on though their parent has ended a while ago, by its row.
SELECT run.id, above.id AS parent_id
FROM graph_executions AS run JOIN graph_executions AS above ON above.id = run.parent_id
WHERE run.status IN ('QUEUED', 'RUNNING', 'REVIEW')
    AND above.status IN ('COMPLETED', 'FAILED', 'TERMINATED') AND above.ended_at < now() - $1::interval
ORDER BY above.ended_at, run.id
LIMIT $2

-- name: lock_execution
-- First of all that takes a run over does: writers of one run follow one another.
SELECT run_id, status, last_event FROM graph_executions WHERE id = $1 FOR NO KEY UPDATE

-- name: not_standing
-- Node executions that the new run does not know as ended: those that it has not opened, and those that are open in it.
SELECT node.id
FROM node_executions AS node
LEFT JOIN unnest($2::text[], $3::integer[]) AS stands (node_id, opened) ON stands.node_id = node.node_id
LEFT JOIN unnest($4::text[]) AS open (id) ON open.id = node.id
WHERE node.execution_id = $1 AND (node.ordinal >= coalesce(stands.opened, 0) OR open.id IS NOT NULL)

-- name: not_resumed
-- Node executions that the run goes on without.
SELECT id FROM node_executions
WHERE execution_id = $1 AND (id IN (SELECT unnest($2::text[]))) IS NOT TRUE

-- name: reopen_execution
UPDATE graph_executions SET
    run_id = $2,
    status = 'QUEUED',
    ended_at = NULL,
    error = NULL,
    error_code = NULL,
    unfinished_batches = 0,
    last_event = last_event + 1,
    stats = CASE WHEN stats ? 'walltime' OR ended_at IS NULL OR started_at IS NULL THEN stats
        ELSE stats || jsonb_build_object('walltime', extract(epoch FROM ended_at - started_at)) END
WHERE id = $1

-- name: resume_execution
UPDATE graph_executions SET last_event = last_event + $2, unfinished_batches = 0 WHERE id = $1

-- name: keep_superseded
INSERT INTO superseded_node_executions (execution_id, run_id, id, superseded_at, body, outputs)
SELECT $1, $3, node.id, $4, to_jsonb(node), coalesce(
    (SELECT jsonb_agg(to_jsonb(output) ORDER BY output.index) FROM node_outputs AS output
        WHERE output.execution_id = $1 AND output.node_execution_id = node.id), '[]')
FROM node_executions AS node
WHERE node.execution_id = $1 AND node.id = ANY ($2::text[])

-- name: delete_superseded_nodes
DELETE FROM node_executions WHERE execution_id = $1 AND id = ANY ($2::text[])

-- name: delete_superseded_outputs
DELETE FROM node_outputs AS output
USING unnest($2::text[], $3::integer[]) AS node (id, emitted)
WHERE output.execution_id = $1 AND output.node_execution_id = node.id AND output.index >= node.emitted

-- name: hide_events
-- Those of node executions that are set aside or told anew, and ends of the run: it is not over.
UPDATE execution_events SET is_superseded = true
WHERE execution_id = $1 AND NOT is_superseded AND (
    node_execution_id = ANY ($2::text[])
    OR (type = 'graph_execution_update' AND status IN ('COMPLETED', 'FAILED', 'TERMINATED')))

-- name: open_standing
-- Node executions as they stood. What runs keeps the inputs that were resolved; what waits has those that it waits with.
INSERT INTO node_executions AS held (
    execution_id, id, node_id, block_id, ordinal, status, seq, attempt, inputs, entered_attempt, queued_at, started_at, stats)
SELECT $1, id, node_id, block_id, ordinal, status, seq, attempt, inputs::jsonb, entered_attempt,
    CASE WHEN status <> 'INCOMPLETE' THEN $10::timestamptz END, CASE WHEN status = 'RUNNING' THEN $10::timestamptz END,
    stats::jsonb
FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::integer[], $8::integer[], $9::text[],
    $11::integer[], $12::text[]
) WITH ORDINALITY AS node (id, node_id, block_id, ordinal, status, seq, attempt, inputs, entered_attempt, stats, place)
ORDER BY place
ON CONFLICT (execution_id, id) DO UPDATE SET
    status = excluded.status,
    seq = excluded.seq,
    attempt = excluded.attempt,
    entered_attempt = excluded.entered_attempt,
    inputs = CASE WHEN excluded.status = 'RUNNING' THEN held.inputs || excluded.inputs ELSE excluded.inputs END,
    agent_output = CASE WHEN excluded.status = 'RUNNING' THEN held.agent_output END,
    queued_at = CASE WHEN excluded.status <> 'INCOMPLETE' THEN coalesce(held.queued_at, excluded.queued_at) END,
    started_at = CASE WHEN excluded.status = 'RUNNING' THEN coalesce(held.started_at, excluded.started_at) END,
    ended_at = NULL,
    error = NULL,
    stats = excluded.stats,
    diverged = false

-- name: tell_standing
INSERT INTO execution_events (
    execution_id, seq, type, status, at, node_execution_id, node_id, block_id, first_output, output_count)
SELECT $1, $2::bigint + place, type, node.status, $3, node.id, node.node_id, node.block_id, 0, count(output.index)
FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) WITH ORDINALITY
    AS node (type, status, id, node_id, block_id, place)
LEFT JOIN node_outputs AS output ON output.execution_id = $1 AND output.node_execution_id = node.id AND $9
GROUP BY place, type, node.status, node.id, node.node_id, node.block_id

-- name: give_execution
UPDATE graph_executions SET
    run_id = $2,
    status = coalesce($3, status),
    last_event = last_event + $4,
    unfinished_batches = 0,
    started_at = CASE WHEN $3 = 'QUEUED' THEN NULL ELSE started_at END,
    ended_at = CASE WHEN $3 IS NULL THEN ended_at END,
    error = CASE WHEN $3 IS NULL THEN error END,
    error_code = CASE WHEN $3 IS NULL THEN error_code END,
    stats = CASE WHEN $3 IS NULL THEN stats ELSE '{}' END
WHERE id = $1

-- name: notify_execution
SELECT pg_notify('heddle_events', $1)

-- name: silent_executions
SELECT run.id
FROM graph_executions AS run
LEFT JOIN execution_events AS told ON told.execution_id = run.id AND told.seq = run.last_event
WHERE run.status IN ('QUEUED', 'RUNNING', 'REVIEW')
    AND coalesce(run.asked_at, run.created_at) < now() - $1::interval
    AND coalesce(told.at, run.created_at) < now() - $1::interval
ORDER BY coalesce(run.asked_at, run.created_at), run.id
LIMIT $2

-- name: is_silent
SELECT true
FROM graph_executions AS run
LEFT JOIN execution_events AS told ON told.execution_id = run.id AND told.seq = run.last_event
WHERE run.id = $1 AND run.status IN ('QUEUED', 'RUNNING', 'REVIEW')
    AND greatest(run.asked_at, coalesce(told.at, run.created_at)) < now() - $2::interval

-- name: heard_executions
UPDATE graph_executions SET asked_at = now() WHERE id = ANY ($1::text[])
