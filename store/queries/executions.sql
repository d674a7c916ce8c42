-- name: create_execution
INSERT INTO graph_executions (
    id, user_id, graph_id, graph_version, trigger, root_id, parent_id, inputs, masks, status, created_at,
    rerun_of, rerun_from_node)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'QUEUED', now(), $10, $11)
ON CONFLICT DO NOTHING
RETURNING true

-- name: begin_execution
-- A repeat within the same run id counts one more batch and changes nothing else. No row when it is another run id's.
-- $12 and $13 are the limits of admission; without them everybody is admitted. Who is not stays QUEUED.
WITH before AS MATERIALIZED (
    SELECT status, last_event, run_id = $10 AND status <> 'QUEUED' AS has_begun, run_id <> $10 AS is_anothers
    FROM graph_executions WHERE id = $1 FOR NO KEY UPDATE
),
admission AS MATERIALIZED (
    SELECT CASE WHEN $12::integer IS NULL OR has_begun THEN true ELSE enter_slot($1, $2, $3, $12, $13::integer) END AS is_free
    FROM (  -- one row, after the lock
        SELECT coalesce(bool_or(has_begun), false) AS has_begun FROM before
        HAVING bool_or(is_anothers) IS NOT TRUE
    ) AS locked
),
begun AS (
    INSERT INTO graph_executions AS held (
        id, user_id, graph_id, graph_version, trigger, root_id, parent_id, inputs, masks,
        run_id, status, created_at, started_at, last_event, unfinished_batches, rerun_of, rerun_from_node)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN is_free THEN 'RUNNING' ELSE 'QUEUED' END, least(now(), $11),
        CASE WHEN is_free THEN $11::timestamptz END, is_free::integer, is_free::integer, $14, $15
    FROM admission
    ON CONFLICT (id) DO UPDATE SET
        run_id = excluded.run_id,
        -- Somebody may start an id once more, and something else by it.
        user_id = CASE WHEN held.status = 'QUEUED' THEN excluded.user_id ELSE held.user_id END,
        graph_id = CASE WHEN held.status = 'QUEUED' THEN excluded.graph_id ELSE held.graph_id END,
        graph_version = CASE WHEN held.status = 'QUEUED' THEN excluded.graph_version ELSE held.graph_version END,
        trigger = CASE WHEN held.status = 'QUEUED' THEN excluded.trigger ELSE held.trigger END,
        root_id = CASE WHEN held.status = 'QUEUED' THEN excluded.root_id ELSE held.root_id END,
        parent_id = CASE WHEN held.status = 'QUEUED' THEN excluded.parent_id ELSE held.parent_id END,
        inputs = CASE WHEN held.status = 'QUEUED' THEN excluded.inputs ELSE held.inputs END,
        masks = CASE WHEN held.status = 'QUEUED' THEN excluded.masks ELSE held.masks END,
        rerun_of = CASE WHEN held.status = 'QUEUED' THEN excluded.rerun_of ELSE held.rerun_of END,
        rerun_from_node = CASE WHEN held.status = 'QUEUED' THEN excluded.rerun_from_node ELSE held.rerun_from_node END,
        status = CASE WHEN held.run_id = excluded.run_id AND held.status <> 'QUEUED'
            THEN held.status ELSE excluded.status END,
        started_at = coalesce(held.started_at, excluded.started_at),
        ended_at = CASE WHEN held.run_id = excluded.run_id THEN held.ended_at END,
        error = CASE WHEN held.run_id = excluded.run_id THEN held.error END,
        error_code = CASE WHEN held.run_id = excluded.run_id THEN held.error_code END,
        last_event = held.last_event + CASE
            WHEN held.run_id = excluded.run_id AND held.status <> 'QUEUED' THEN 0
            WHEN held.status = excluded.status AND excluded.status = 'QUEUED' THEN 0
            ELSE 1 END,
        unfinished_batches = excluded.unfinished_batches
            + CASE WHEN held.run_id = excluded.run_id THEN held.unfinished_batches ELSE 0 END
    WHERE held.run_id IS NULL OR held.run_id = excluded.run_id
    RETURNING last_event, unfinished_batches, status
),
told AS (
    INSERT INTO execution_events (execution_id, seq, type, status, at)
    SELECT $1, begun.last_event, 'graph_execution_update', begun.status, $11
    FROM begun LEFT JOIN before ON true
    WHERE begun.last_event <> coalesce(before.last_event, 0)
    ON CONFLICT DO NOTHING  -- two first beginnings at once: the one that came second saw no row before
    RETURNING seq
)
SELECT coalesce(before.status, 'QUEUED') AS previous, begun.unfinished_batches, admission.is_free,
    (SELECT pg_notify('heddle_events', $1) FROM told)
FROM begun CROSS JOIN admission LEFT JOIN before ON true

-- name: continue_run
UPDATE graph_executions SET run_id = $3, unfinished_batches = 0 WHERE id = $1 AND run_id = $2

-- name: begin_batch
UPDATE graph_executions SET unfinished_batches = unfinished_batches + 1
WHERE id = $1 AND run_id = $2
RETURNING unfinished_batches

-- name: adopt_execution
-- For the end of a run that never began: makes sure of the row and that this run id owns it, if none does.
INSERT INTO graph_executions AS held (
    id, user_id, graph_id, graph_version, trigger, root_id, parent_id, inputs, masks, run_id, status, created_at,
    rerun_of, rerun_from_node)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'QUEUED', least(now(), $11), $12, $13)
ON CONFLICT (id) DO UPDATE SET run_id = excluded.run_id WHERE held.run_id IS NULL

-- name: enter_node
-- One commit both says RUNNING and marks the attempt that enters: it stands between an effect and its repetition.
-- The run's row is locked like in `record`: nothing touches the rows of its node executions without.
WITH run AS MATERIALIZED (
    SELECT id FROM graph_executions
    WHERE id = $1 AND run_id = $2 AND status NOT IN ('COMPLETED', 'FAILED', 'TERMINATED')
    FOR NO KEY UPDATE
),
before AS MATERIALIZED (
    SELECT node.status = 'RUNNING' AND node.attempt = $8 AND node.inputs || $9::text::jsonb = node.inputs AS is_known
    FROM run JOIN node_executions AS node ON node.execution_id = run.id AND node.id = $3
),
entered AS (
    INSERT INTO node_executions AS held (
        execution_id, id, node_id, block_id, ordinal, status, seq, attempt, inputs,
        agent_output, queued_at, started_at, stats, diverged, entered_attempt)
    SELECT run.id, $3, $4, $5, $6, 'RUNNING', $7, $8, $9::text::jsonb, $10, $11, $12, '{}', false, $8 FROM run
    ON CONFLICT (execution_id, id) DO UPDATE SET
        status = excluded.status,
        seq = coalesce(excluded.seq, held.seq),
        attempt = excluded.attempt,
        inputs = held.inputs || excluded.inputs,
        agent_output = coalesce(excluded.agent_output, held.agent_output),
        queued_at = coalesce(held.queued_at, excluded.queued_at),
        started_at = coalesce(held.started_at, excluded.started_at),
        entered_attempt = excluded.entered_attempt
    WHERE held.ended_at IS NULL AND held.attempt <= excluded.attempt
        AND coalesce(held.entered_attempt, excluded.attempt) = excluded.attempt
    RETURNING id
),
counted AS (
    UPDATE graph_executions AS held SET last_event = last_event + 1
    FROM entered
    WHERE held.id = $1 AND (SELECT is_known FROM before) IS NOT TRUE
    RETURNING last_event
),
told AS (
    INSERT INTO execution_events (execution_id, seq, type, status, at, node_execution_id, node_id, block_id)
    SELECT $1, last_event, 'node_execution_update', 'RUNNING', coalesce($12, now()), $3, $4, $5 FROM counted
    RETURNING seq
)
SELECT EXISTS (SELECT FROM entered) AS entered, (SELECT pg_notify('heddle_events', $1) FROM told)

-- name: execution
SELECT run.*, coalesce(graph.name, '') AS graph_name
FROM graph_executions AS run
LEFT JOIN graphs AS graph ON graph.id = run.graph_id AND graph.version = run.graph_version
WHERE run.id = $2 AND run.user_id = $1

-- name: executions_of_user
SELECT run.*, coalesce(graph.name, '') AS graph_name
FROM graph_executions AS run
LEFT JOIN graphs AS graph ON graph.id = run.graph_id AND graph.version = run.graph_version
WHERE run.user_id = $1 AND run.status = ANY ($2) AND (run.created_at, run.id) < ($3, $4)
ORDER BY run.created_at DESC, run.id DESC
LIMIT $5

-- name: executions_of_user_count
SELECT count(*) FROM graph_executions WHERE user_id = $1 AND status = ANY ($2)

-- name: executions_of_graph
SELECT run.*, coalesce(graph.name, '') AS graph_name
FROM graph_executions AS run
LEFT JOIN graphs AS graph ON graph.id = run.graph_id AND graph.version = run.graph_version
WHERE run.user_id = $1 AND run.status = ANY ($2) AND (run.created_at, run.id) < ($3, $4) AND run.graph_id = $6
ORDER BY run.created_at DESC, run.id DESC
LIMIT $5

-- name: executions_of_graph_count
SELECT count(*) FROM graph_executions WHERE user_id = $1 AND status = ANY ($2) AND graph_id = $3

-- name: node
SELECT * FROM node_executions WHERE execution_id = $1 AND id = $2

-- name: node_outputs
SELECT * FROM node_outputs WHERE execution_id = $1 AND node_execution_id = $2 ORDER BY index

-- name: nodes
SELECT * FROM node_executions WHERE execution_id = $1 ORDER BY seq NULLS LAST, opened

-- name: nodes_outputs
SELECT * FROM node_outputs WHERE execution_id = $1 ORDER BY node_execution_id, index

-- name: agent_outputs
SELECT agent_output AS name, coalesce(inputs -> 'value', '{"value": null}') AS value
FROM node_executions
WHERE execution_id = $1 AND agent_output IS NOT NULL AND status <> 'INCOMPLETE'
ORDER BY seq NULLS LAST, opened

-- name: stats_so_far
SELECT count(*) FILTER (WHERE ended_at IS NOT NULL) + coalesce(sum((stats ->> 'extra_steps')::bigint) FILTER (WHERE ended_at IS NOT NULL), 0) AS node_count,
    count(*) FILTER (WHERE status = 'FAILED') AS node_error_count,
    count(*) FILTER (WHERE status = 'INCOMPLETE') AS incomplete_count,
    coalesce(sum((stats ->> 'extra_cost')::bigint) FILTER (WHERE ended_at IS NOT NULL), 0) AS cost,
    coalesce(sum((stats ->> 'walltime')::float8) FILTER (WHERE ended_at IS NOT NULL), 0) AS nodes_walltime,
    coalesce(sum((stats ->> 'cputime')::float8) FILTER (WHERE ended_at IS NOT NULL), 0) AS nodes_cputime
FROM node_executions WHERE execution_id = $1

-- name: given_outputs
SELECT told.seq, told.name, output.value, output.ref, output.kind, output.size
FROM (
    SELECT told.seq, node.id, node.agent_output AS name
    FROM execution_events AS told
    JOIN node_executions AS node ON node.execution_id = told.execution_id AND node.id = told.node_execution_id
    WHERE told.execution_id = $1 AND told.seq > $2 AND told.status = 'COMPLETED' AND NOT told.is_superseded
        AND node.agent_output IS NOT NULL AND EXISTS (
            SELECT FROM node_outputs AS output
            WHERE output.execution_id = $1 AND output.node_execution_id = node.id AND output.name = 'output')
    ORDER BY told.seq LIMIT $3
) AS told
JOIN node_outputs AS output ON output.execution_id = $1 AND output.node_execution_id = told.id
WHERE output.name = 'output'
ORDER BY told.seq, output.index

-- name: events
SELECT * FROM execution_events WHERE execution_id = $1 AND seq > $2 AND NOT is_superseded ORDER BY seq LIMIT $3

-- name: events_outputs
-- Outputs of the given ranges; each range is looked up by itself, however many outputs the run has.
SELECT told.place, output.*
FROM unnest($2::text[], $3::integer[], $4::integer[]) WITH ORDINALITY AS told (node, first, count, place)
CROSS JOIN LATERAL (
    SELECT * FROM node_outputs
    WHERE execution_id = $1 AND node_execution_id = told.node
        AND index >= told.first AND index < told.first + told.count
    ORDER BY index LIMIT told.count
) AS output
ORDER BY told.place, output.index

-- name: failed_executions
SELECT id, created_at FROM graph_executions
WHERE user_id = $1 AND graph_id = $2 AND status = 'FAILED' AND parent_id IS NULL AND ended_at >= $3
    AND (created_at, id) < ($4, $5)
ORDER BY created_at DESC, id DESC
LIMIT $6

-- name: failed_executions_count
SELECT count(*) FROM graph_executions
WHERE user_id = $1 AND graph_id = $2 AND status = 'FAILED' AND parent_id IS NULL AND ended_at >= $3
