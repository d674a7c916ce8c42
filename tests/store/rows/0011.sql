-- Rows as a deployment with migration 0011 has them.
INSERT INTO users (id, email, name) VALUES ('ada', 'ada@example.org', 'Ada');
INSERT INTO api_keys (hash, user_id, name) VALUES (sha256('key'), 'ada', 'laptop');
INSERT INTO graphs (id, version, user_id, is_active, name, description, body, sub_graphs, problems, created_at, updated_at)
VALUES
    ('sub', 1, 'ada', true, 'Sub', '', '{"id": "sub", "name": "Sub", "nodes": [], "links": []}', '[]', '[]', now(), now()),
    ('top', 1, 'ada', true, 'Top', '', '{"id": "top", "name": "Top", "nodes": [], "links": []}',
        '[{"id": "sub", "version": 1}]', '[]', now(), now());
INSERT INTO graph_executions (
    id, user_id, graph_id, graph_version, run_id, status, trigger, created_at, started_at, last_event, inputs, masks)
VALUES ('run', 'ada', 'top', 1, 'run-1', 'RUNNING', 'api', now(), now(), 2, '{"a": {"value": 1}}', '{}');
INSERT INTO node_executions (
    execution_id, id, node_id, block_id, ordinal, seq, attempt, status, started_at, agent_output, inputs, stats)
VALUES ('run', 'x-1', 'n-1', 'b-1', 0, 1, 1, 'RUNNING', now(), 'answer', '{"value": {"value": 1}}', '{}');
INSERT INTO node_outputs (execution_id, node_execution_id, index, name, value, ref, kind, size)
VALUES
    ('run', 'x-1', 0, 'out', '1', NULL, NULL, NULL),
    ('run', 'x-1', 1, 'out', NULL, 'run/' || encode(sha256('[1]'), 'hex'), 'array', 3);
INSERT INTO stored_values (execution_id, sha256, body) VALUES ('run', sha256('[1]'), '[1]');
INSERT INTO execution_events (execution_id, seq, type, status, at, node_execution_id, node_id, block_id, first_output, output_count)
VALUES
    ('run', 1, 'graph_execution_update', 'RUNNING', now(), NULL, NULL, NULL, 0, 0),
    ('run', 2, 'node_execution_update', 'RUNNING', now(), 'x-1', 'n-1', 'b-1', 0, 2);
INSERT INTO run_slots (execution_id, user_id, graph_id, slot, slots, capacity, granted_by)
VALUES ('run', 'ada', 'top', 1, 1, 0, NULL), ('next', 'ada', 'top', NULL, 1, 0, NULL), ('other', 'bob', 'top', 2, 9, 5, 'gone');
INSERT INTO superseded_node_executions (execution_id, run_id, id, superseded_at, body, outputs)
VALUES ('run', 'run-0', 'x-0', now(), '{"id": "x-0"}', '[]');
UPDATE graph_executions SET asked_at = now();
UPDATE graph_executions SET rerun_of = 'older', rerun_from_node = 'n-1';
INSERT INTO deleted_executions (id, deleted_at) VALUES ('deleted', now());
INSERT INTO run_files (execution_id, sha256, name, content_type, size, body)
VALUES ('run', sha256('hi'), 'note.txt', 'text/plain', 2, 'hi');
INSERT INTO kept_values (user_id, graph_id, key, body) VALUES ('ada', '', 'mood', '"calm"'), ('ada', 'top', 'mood', '[1]');
INSERT INTO collected_items (execution_id, node_id, node_execution_id, items, body) VALUES ('run', 'n-1', 'x-1', 1, '[1]');
INSERT INTO credentials (id, user_id, provider, type, title, details, key_id, nonce, ciphertext, created_at)
VALUES ('key', 'ada', 'openai', 'api_key', 'Mine', '{}', 'k1', decode('00', 'hex'), decode('0011', 'hex'), now());
INSERT INTO reviews (execution_id, id, node_execution_id, node_id, user_id, attempt, status, payload, instructions, editable, asked_at, reviewer,
    message, decided_at, lasts)
VALUES ('run', 'x-1', 'x-1', 'n-1', 'ada', 1, 'APPROVED', '{"value": 1}', '', true, now(), 'ada', '', now(), true);
