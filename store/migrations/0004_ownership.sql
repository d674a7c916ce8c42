-- Whose word counts when a workflow id has several runs, and which runs have been silent for long.

-- When the server last said that the run goes on. Not the time of its last event: that is the event's own, and an index on
-- something that every write changes would make every write dearer.
ALTER TABLE graph_executions ADD COLUMN asked_at timestamptz;
CREATE INDEX graph_executions_alive ON graph_executions (coalesce(asked_at, created_at))
    WHERE status IN ('QUEUED', 'RUNNING', 'REVIEW');

-- Events of what a later run of the workflow has set aside keep their numbers, and are no longer told.
ALTER TABLE execution_events ADD COLUMN is_superseded boolean NOT NULL DEFAULT false;

-- What an earlier run of the workflow had written and a later one did not take along: for looking back, never read by the product.
CREATE TABLE superseded_node_executions (
    execution_id   text NOT NULL,
    run_id         text,                               -- the run that it was set aside from
    id             text NOT NULL,
    superseded_at  timestamptz NOT NULL,
    body           jsonb NOT NULL,
    outputs        jsonb NOT NULL
);
CREATE INDEX superseded_node_executions_run ON superseded_node_executions (execution_id);
