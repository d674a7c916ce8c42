-- A decision may hold for later executions of its node too: a run that is resumed asks no more than before.
ALTER TABLE reviews ADD COLUMN lasts boolean NOT NULL DEFAULT false;

-- Reviews as people see them. One whose node execution is gone is not shown.
CREATE VIEW shown_reviews AS
SELECT review.*, run.graph_id, run.graph_version, run.ended_at, run.user_id AS run_user_id, run.status AS run_status,
    node.status = 'REVIEW' AND review.status = 'WAITING' AND run.status NOT IN ('COMPLETED', 'FAILED', 'TERMINATED') AS waits
FROM reviews AS review
JOIN graph_executions AS run ON run.id = review.execution_id
JOIN node_executions AS node ON node.execution_id = review.execution_id AND node.id = review.node_execution_id;
