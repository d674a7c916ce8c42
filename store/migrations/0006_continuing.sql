-- Runs that continue other runs.

ALTER TABLE graph_executions ADD COLUMN rerun_of text;          -- the run that this one runs again
ALTER TABLE graph_executions ADD COLUMN rerun_from_node text;   -- from which node on

-- For resuming all that failed since a time.
CREATE INDEX graph_executions_failed ON graph_executions (user_id, graph_id, created_at DESC, id DESC)
    WHERE status = 'FAILED' AND parent_id IS NULL;
