-- Files of runs, and values that a user's blocks keep between runs.

-- A run's files lie under the run at the root of its tree, whose sub-graphs share them. Neither packed nor kept in the row
-- itself: most formats are packed already, and sizes are added up without reading any body.
CREATE TABLE run_files (
    execution_id  text NOT NULL,
    sha256        bytea NOT NULL CHECK (length(sha256) = 32),
    name          text NOT NULL CHECK (name <> ''),
    content_type  text NOT NULL,
    size          bigint NOT NULL,
    body          bytea NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (execution_id, sha256, name)
);
ALTER TABLE run_files ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX run_files_created ON run_files (created_at);

CREATE TABLE kept_values (
    user_id     text NOT NULL,
    graph_id    text NOT NULL,                        -- empty: for all of the user's graphs
    key         text NOT NULL CHECK (key <> ''),
    body        bytea NOT NULL,                       -- JSON text
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, graph_id, key)
);

-- What the executions of one node of a run have collected, until one of them takes all of it.
CREATE TABLE collected_items (
    execution_id       text NOT NULL,
    node_id            text NOT NULL,
    node_execution_id  text NOT NULL,
    opened             bigint GENERATED ALWAYS AS IDENTITY,
    items              integer NOT NULL,
    body               bytea NOT NULL,                -- JSON text of a list
    taken_by           text,                          -- the node execution that took it
    PRIMARY KEY (execution_id, node_execution_id)
);

-- Adds a node execution's items, once however often it is asked, and takes all of the node's when they are enough. Answers what
-- this execution has taken, now or when it asked before; one null when the node has collected too much to add these.
CREATE FUNCTION collect_items(
    of_run text, of_node text, of_execution text, how_many integer, json_text bytea, enough integer, most_bytes bigint
) RETURNS SETOF bytea
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(of_run || '/' || of_node, 73));
    INSERT INTO collected_items (execution_id, node_id, node_execution_id, items, body)
    SELECT of_run, of_node, of_execution, how_many, json_text
    WHERE length(json_text) + (
        SELECT coalesce(sum(length(body)), 0) FROM collected_items
        WHERE execution_id = of_run AND node_id = of_node AND taken_by IS NULL) <= most_bytes
    ON CONFLICT DO NOTHING;
    IF NOT EXISTS (
        SELECT FROM collected_items WHERE execution_id = of_run AND node_execution_id = of_execution)
    THEN
        RETURN NEXT NULL;
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM collected_items WHERE execution_id = of_run AND taken_by = of_execution) AND (
        SELECT coalesce(sum(items), 0) FROM collected_items
        WHERE execution_id = of_run AND node_id = of_node AND taken_by IS NULL) >= enough
    THEN
        UPDATE collected_items SET taken_by = of_execution
        WHERE execution_id = of_run AND node_id = of_node AND taken_by IS NULL;
    END IF;
    RETURN QUERY SELECT body FROM collected_items
        WHERE execution_id = of_run AND taken_by = of_execution ORDER BY opened;
END
$$;
