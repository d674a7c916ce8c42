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
