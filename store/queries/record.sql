-- name: record
-- Everything that an activity has to tell of a run, in one statement and one round trip.
--
-- The run's row is locked first and until commit. So writers of one run follow one another, and the numbers that each takes from
-- the row's counter appear in commit order without gaps: a reader that has seen number n has seen all before it.
-- What this statement *reads* is as of its start, which may be before it got the lock. The decisive guard therefore is
-- the one of ON CONFLICT, which sees the newest row, and what the two views disagree on is answered as `unsettled`
-- (the caller asks again). That a row has ended, and which attempt it has reached, never goes back: there both views agree.
--
-- Lookups of sets are `IN (SELECT …)` outside of WHERE, or GROUP BY: these are hashed whatever the planner, which does not know
-- the lengths of the arrays, expects.
WITH run AS MATERIALIZED (
    SELECT id, last_event, status IN ('COMPLETED', 'FAILED', 'TERMINATED') AS is_over
    FROM graph_executions
    WHERE id = $1 AND run_id = $2
    FOR NO KEY UPDATE
),
given AS MATERIALIZED (
    SELECT node.*,
        held.status AS held_status,
        held.status = node.status AND held.attempt = node.attempt AND held.inputs || node.inputs::jsonb = held.inputs AS is_known,
        CASE
            WHEN run.is_over AND node.status IN ('QUEUED', 'RUNNING', 'REVIEW') THEN 'refuse'
            WHEN held.attempt IS NULL THEN 'write'
            WHEN held.attempt > node.attempt THEN 'refuse'
            WHEN held.ended_at IS NULL THEN 'write'
            WHEN held.attempt < node.attempt THEN 'refuse'
            WHEN node.status IN ('COMPLETED', 'FAILED', 'TERMINATED') AND node.status <> held.status THEN 'refuse'
            ELSE 'keep'
        END AS verdict
    FROM run
    CROSS JOIN unnest(
        $3::text[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::integer[], $9::integer[], $10::text[],
        $11::text[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::text[], $16::text[], $17::boolean[]
    ) WITH ORDINALITY AS node (
        id, node_id, block_id, ordinal, status, seq, attempt, inputs,
        agent_output, queued_at, started_at, ended_at, error, stats, diverged, place
    )
    LEFT JOIN LATERAL (  -- LIMIT makes it one index lookup a row
        SELECT status, attempt, ended_at, inputs FROM node_executions
        WHERE execution_id = $1 AND id = node.id LIMIT 1
    ) AS held ON true
),
closing AS MATERIALIZED (
    SELECT held.*, row_number() OVER (ORDER BY held.seq, held.opened) AS place
    FROM run JOIN node_executions AS held ON held.execution_id = run.id
    WHERE $26::text IS NOT NULL AND held.status IN ('QUEUED', 'RUNNING', 'REVIEW')
        AND (held.id IN (SELECT id FROM given WHERE verdict = 'write')) IS NOT TRUE
),
written AS (
    INSERT INTO node_executions AS held (
        execution_id, id, node_id, block_id, ordinal, status, seq, attempt, inputs,
        agent_output, queued_at, started_at, ended_at, error, stats, diverged)
    SELECT $1, id, node_id, block_id, ordinal, status, seq, attempt, inputs,
        agent_output, queued_at, started_at, ended_at, error, stats, diverged
    FROM (
        SELECT place, id, node_id, block_id, ordinal, status, seq, attempt, inputs::jsonb,
            agent_output, queued_at, started_at, ended_at, error, stats::jsonb, diverged
        FROM given WHERE verdict = 'write'
        UNION ALL
        SELECT place, id, node_id, block_id, ordinal, $31, seq, attempt, inputs,
            agent_output, queued_at, started_at, $28, error, stats, diverged
        FROM closing
        ORDER BY place
    ) AS offered
    ON CONFLICT (execution_id, id) DO UPDATE SET
        status = excluded.status,
        seq = coalesce(excluded.seq, held.seq),
        attempt = excluded.attempt,
        inputs = held.inputs || excluded.inputs,
        agent_output = coalesce(excluded.agent_output, held.agent_output),
        queued_at = coalesce(held.queued_at, excluded.queued_at),
        started_at = coalesce(held.started_at, excluded.started_at),
        ended_at = excluded.ended_at,
        error = coalesce(excluded.error, held.error),
        stats = held.stats || excluded.stats,
        diverged = held.diverged OR excluded.diverged
    WHERE held.ended_at IS NULL AND held.attempt <= excluded.attempt
    RETURNING id
),
settled AS MATERIALIZED (
    SELECT place, id, node_id, block_id, coalesce(ended_at, started_at, queued_at, now()) AS at, is_known,
        CASE WHEN verdict = 'keep' THEN held_status ELSE status END AS status,
        CASE WHEN verdict = 'write' AND (id IN (SELECT id FROM written)) IS NOT TRUE THEN 'unsettled'
            ELSE verdict END AS verdict
    FROM given
),
stored AS (
    INSERT INTO node_outputs (execution_id, node_execution_id, index, name, value, ref, kind, size)
    SELECT $1, node, index, name, value::jsonb, ref, kind, size
    FROM unnest(
        $18::text[], $19::integer[], $20::text[], $21::text[], $22::text[], $23::text[], $24::bigint[]
    ) AS output (node, index, name, value, ref, kind, size)
    WHERE (node IN (SELECT id FROM settled WHERE verdict IN ('write', 'keep'))) IS TRUE
    ON CONFLICT DO NOTHING
    RETURNING node_execution_id, index
),
news AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY rank, place) AS n, *
    FROM (
        SELECT 1 AS rank, min(place) AS place, 'node_execution_update' AS type, max(status) AS status, max(at) AS at,
            id, max(node_id) AS node_id, max(block_id) AS block_id,
            coalesce(min(index), 0) AS first_output, coalesce(max(index) - min(index) + 1, 0) AS output_count
        FROM (
            SELECT place, status, at, id, node_id, block_id, NULL::integer AS index,
                verdict = 'write' AND is_known IS NOT TRUE AS is_new
            FROM settled WHERE verdict IN ('write', 'keep')
            UNION ALL
            SELECT NULL, NULL, NULL, node_execution_id, NULL, NULL, index, true FROM stored
        ) AS change
        GROUP BY id HAVING bool_or(is_new)
        UNION ALL
        SELECT 2, place, 'node_execution_update', $31, $28, id, node_id, block_id, 0, 0
        FROM closing WHERE (id IN (SELECT id FROM written)) IS TRUE
        UNION ALL
        SELECT 3, 1, 'graph_execution_update', $26, $28, NULL, NULL, NULL, 0, 0
        FROM run WHERE $26::text IS NOT NULL AND NOT is_over
    ) AS event
),
told AS (
    INSERT INTO execution_events (
        execution_id, seq, type, status, at, node_execution_id, node_id, block_id, first_output, output_count)
    SELECT $1, run.last_event + n, type, status, at, news.id, node_id, block_id, first_output, output_count
    FROM run CROSS JOIN news
),
counted AS (
    UPDATE graph_executions AS held SET
        last_event = run.last_event + news.total,
        unfinished_batches = CASE WHEN $25 THEN 0 ELSE held.unfinished_batches END,
        status = CASE WHEN news.has_finish THEN $26 ELSE held.status END,
        ended_at = CASE WHEN news.has_finish THEN $28 ELSE held.ended_at END,
        stats = CASE WHEN news.has_finish THEN held.stats || $27::text::jsonb ELSE held.stats END,
        error = CASE WHEN news.has_finish THEN $29 ELSE held.error END,
        error_code = CASE WHEN news.has_finish THEN $30 ELSE held.error_code END
    FROM run CROSS JOIN (SELECT count(*) AS total, coalesce(bool_or(rank = 3), false) AS has_finish FROM news) AS news
    WHERE held.id = run.id AND (news.total > 0 OR $25)
)
SELECT EXISTS (SELECT FROM run) AS is_ours,
    ARRAY(SELECT id FROM settled WHERE verdict = 'refuse' ORDER BY place) AS refused,
    ARRAY(SELECT id FROM settled WHERE verdict = 'unsettled' ORDER BY place) AS unsettled,
    -- Rows that another writer opened while this one waited for the lock were not seen by `closing`.
    $26::text IS NOT NULL AND EXISTS (
        SELECT FROM run WHERE last_event <> (SELECT last_event FROM graph_executions WHERE id = $1)
    ) AS may_have_missed,
    -- The end frees the run's slot of admission: who gets it is committed together with the end.
    CASE WHEN $26::text IS NOT NULL AND $32::boolean THEN (SELECT leave_slot(id) FROM run) END AS admitted,
    (SELECT pg_notify('heddle_events', $1) FROM (SELECT FROM news LIMIT 1) AS any_news)
