-- name: wait_for_slot
SELECT wait_for_slot($1, $2, $3, $4, $5)

-- name: leave_slot
SELECT leave_slot($1)

-- name: ended_in_slots
-- Runs that are over and still have a slot, or a place in the queue. A run that is yet to begin may have no row.
SELECT slot.execution_id
FROM run_slots AS slot JOIN graph_executions AS run ON run.id = slot.execution_id
WHERE run.status IN ('COMPLETED', 'FAILED', 'TERMINATED')
