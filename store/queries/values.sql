-- name: put_value
INSERT INTO stored_values (execution_id, sha256, body) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING

-- name: get_values
SELECT wanted.place, stored.body
FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS wanted (execution_id, sha256, place)
JOIN stored_values AS stored ON stored.execution_id = wanted.execution_id AND stored.sha256 = wanted.sha256
