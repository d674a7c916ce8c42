-- name: add_credential
INSERT INTO credentials (id, user_id, provider, type, title, details, created_at, key_id, nonce, ciphertext)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
WHERE (SELECT count(*) FROM credentials WHERE user_id = $2) < $11
RETURNING id

-- name: credential
SELECT * FROM credentials WHERE id = $2 AND user_id = $1

-- name: credentials_named
SELECT id, user_id, provider, type, title, details, created_at FROM credentials WHERE id = ANY ($2::text[]) AND user_id = $1

-- name: credentials_page
SELECT id, user_id, provider, type, title, details, created_at FROM credentials
WHERE user_id = $1 AND provider = coalesce($2::text, provider) AND (created_at, id) < ($3, $4)
ORDER BY created_at DESC, id DESC
LIMIT $5

-- name: credentials_count
SELECT count(*) FROM credentials WHERE user_id = $1 AND provider = coalesce($2::text, provider)

-- name: delete_credential
DELETE FROM credentials WHERE id = $2 AND user_id = $1 RETURNING id
