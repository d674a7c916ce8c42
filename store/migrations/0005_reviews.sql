-- Reviews: what node executions ask of people, and what was decided. And whether a user wants to be asked at all.
--
-- A review waits while its node execution is in REVIEW and its run is not over; the row alone does not say so. So the end of a run
-- closes its reviews, and a reset opens them again, without writing here.
CREATE TABLE reviews (
    execution_id       text NOT NULL,
    id                 text NOT NULL,
    node_execution_id  text NOT NULL,
    node_id            text NOT NULL,
    user_id            text NOT NULL,
    attempt            integer NOT NULL,           -- of the node execution, when it asked
    status             text NOT NULL CHECK (status IN ('WAITING', 'APPROVED', 'REJECTED')),
    payload            jsonb NOT NULL,             -- what is to be decided on: {"value": …} | {"ref": …, "kind": …, "size": …}
    instructions       text NOT NULL,
    editable           boolean NOT NULL,
    asked_at           timestamptz NOT NULL,
    expires_at         timestamptz,
    reviewer           text,
    message            text,
    data               jsonb,                      -- as the reviewer left it, where that differs; the same form
    decided_at         timestamptz,
    PRIMARY KEY (execution_id, id)
);
CREATE INDEX reviews_waiting ON reviews (user_id, asked_at DESC, id DESC) WHERE status = 'WAITING';

CREATE TABLE graph_settings (
    user_id                      text NOT NULL,
    graph_id                     text NOT NULL,
    human_in_the_loop_safe_mode  boolean NOT NULL,
    sensitive_action_safe_mode   boolean NOT NULL,
    PRIMARY KEY (user_id, graph_id)
);
