-- What deleting and pruning look for: the runs below a root, runs and values by age.

CREATE INDEX graph_executions_root ON graph_executions (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX graph_executions_ended ON graph_executions (ended_at, id) WHERE ended_at IS NOT NULL;
CREATE INDEX stored_values_created ON stored_values (created_at);
