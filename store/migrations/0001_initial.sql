-- Users, graphs, runs and what became of them. All times are instants (timestamptz); values are JSON.

CREATE TABLE users (
    id          text PRIMARY KEY CHECK (id <> ''),
    email       text NOT NULL,
    name        text NOT NULL,
    timezone    text NOT NULL DEFAULT 'UTC',
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    hash          bytea PRIMARY KEY CHECK (length(hash) = 32),  -- SHA-256 of the key
    user_id       text NOT NULL REFERENCES users ON DELETE CASCADE,
    name          text NOT NULL,
    is_active     boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz
);
CREATE INDEX api_keys_user ON api_keys (user_id);

CREATE TABLE graphs (
    id           text NOT NULL CHECK (id <> ''),
    version      integer NOT NULL CHECK (version > 0),
    user_id      text NOT NULL REFERENCES users,
    is_active    boolean NOT NULL,
    name         text NOT NULL,
    description  text NOT NULL,
    body         jsonb NOT NULL,                      -- the graph without its sub-graphs
    sub_graphs   jsonb NOT NULL DEFAULT '[]',         -- [{"id": …, "version": …}], in the graph's order
    problems     jsonb NOT NULL DEFAULT '[]',
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (id, version)
);
CREATE UNIQUE INDEX graphs_active ON graphs (id) WHERE is_active;
CREATE INDEX graphs_user_newest ON graphs (user_id, created_at DESC, id DESC) WHERE is_active;

-- No foreign key from runs to graphs or users: its check locks the parent's row (FOR KEY SHARE), so the starts
-- of many runs of one graph would write to one page, on the path that every run takes. None between a run and its
-- node executions, outputs, events and values either: a check for each of a batch's thousand rows, for rows that
-- are only written under the run's own row lock; values may also be stored before the row of their run is.
CREATE TABLE graph_executions (
    id                  text PRIMARY KEY CHECK (id <> ''),
    user_id             text NOT NULL,
    graph_id            text NOT NULL,
    graph_version       integer NOT NULL,
    run_id              text,                         -- null until a workflow takes the run
    status              text NOT NULL CHECK (status IN (
                            'INCOMPLETE', 'QUEUED', 'RUNNING', 'REVIEW', 'COMPLETED', 'FAILED', 'TERMINATED')),
    trigger             text NOT NULL,
    root_id             text,
    parent_id           text,
    created_at          timestamptz NOT NULL,
    started_at          timestamptz,
    ended_at            timestamptz,
    last_event          bigint NOT NULL DEFAULT 0,    -- number of the newest event
    unfinished_batches  integer NOT NULL DEFAULT 0,   -- batches begun since one last ended
    error_code          text,
    error               text,
    inputs              jsonb NOT NULL,               -- {name: {"value": …} | {"ref": …, "kind": …, "size": …}}
    masks               jsonb NOT NULL,               -- {node id: {name: the same}}
    stats               jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 70);                             -- room for the counter's new row versions on the same page
CREATE INDEX graph_executions_user_newest ON graph_executions (user_id, created_at DESC, id DESC);
CREATE INDEX graph_executions_user_graph_status
    ON graph_executions (user_id, graph_id, status, created_at DESC, id DESC);

CREATE TABLE node_executions (
    execution_id     text NOT NULL,
    id               text NOT NULL,
    node_id          text NOT NULL,
    block_id         text NOT NULL,
    ordinal          integer NOT NULL,
    seq              integer,                         -- place in the queue order; null while INCOMPLETE
    opened           bigint GENERATED ALWAYS AS IDENTITY,
    attempt          integer NOT NULL,                -- the latest attempt that wrote the row
    entered_attempt  integer,                         -- the attempt that entered an effectful block
    status           text NOT NULL CHECK (status IN (
                         'INCOMPLETE', 'QUEUED', 'RUNNING', 'REVIEW', 'COMPLETED', 'FAILED', 'TERMINATED')),
    diverged         boolean NOT NULL DEFAULT false,
    queued_at        timestamptz,
    started_at       timestamptz,
    ended_at         timestamptz,
    agent_output     text,
    error            text,
    inputs           jsonb NOT NULL,
    stats            jsonb NOT NULL,
    PRIMARY KEY (execution_id, id)
) WITH (fillfactor = 80);
CREATE INDEX node_executions_queue_order ON node_executions (execution_id, seq);

CREATE TABLE node_outputs (
    execution_id       text NOT NULL,
    node_execution_id  text NOT NULL,
    index              integer NOT NULL,
    name               text NOT NULL,
    value              jsonb,                         -- the value itself, or…
    ref                text,                          -- …the key of a stored value, with its kind and size
    kind               text,
    size               bigint,
    PRIMARY KEY (execution_id, node_execution_id, index),
    CHECK ((value IS NULL) <> (ref IS NULL)),
    CHECK ((ref IS NULL) = (kind IS NULL) AND (ref IS NULL) = (size IS NULL))
);

CREATE TABLE execution_events (
    execution_id       text NOT NULL,
    seq                bigint NOT NULL,
    type               text NOT NULL CHECK (type IN ('graph_execution_update', 'node_execution_update')),
    status             text NOT NULL,
    at                 timestamptz NOT NULL,
    node_execution_id  text,
    node_id            text,
    block_id           text,
    first_output       integer NOT NULL DEFAULT 0,
    output_count       integer NOT NULL DEFAULT 0,
    PRIMARY KEY (execution_id, seq)
);

-- Bytes rather than jsonb: nothing queries inside a large value, and its text comes back exactly as it was hashed.
CREATE TABLE stored_values (
    execution_id  text NOT NULL,
    sha256        bytea NOT NULL CHECK (length(sha256) = 32),
    body          bytea NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (execution_id, sha256)
);

-- lz4 packs 50 MB several times faster than the default; a server built without it keeps the default.
DO $$
BEGIN
    ALTER TABLE stored_values ALTER COLUMN body SET COMPRESSION lz4;
    ALTER TABLE node_outputs ALTER COLUMN value SET COMPRESSION lz4;
    ALTER TABLE node_executions ALTER COLUMN inputs SET COMPRESSION lz4;
    ALTER TABLE graph_executions ALTER COLUMN inputs SET COMPRESSION lz4;
    ALTER TABLE graphs ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END
$$;
