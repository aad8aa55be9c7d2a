-- Sessions, named admin tokens, answers kept for Idempotency-Key.
CREATE TABLE IF NOT EXISTS "sessions" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL,
  credential TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS sessions_hash ON "sessions" (hash);

CREATE INDEX IF NOT EXISTS sessions_expires ON "sessions" (expires_at);

CREATE TABLE IF NOT EXISTS "admin_tokens" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  hash BLOB NOT NULL,
  hint TEXT NOT NULL,
  scopes TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS admin_tokens_name ON "admin_tokens" (name);

CREATE UNIQUE INDEX IF NOT EXISTS admin_tokens_hash ON "admin_tokens" (hash);

CREATE TABLE IF NOT EXISTS "idempotency_keys" (
  hash BLOB NOT NULL PRIMARY KEY,
  request BLOB NOT NULL,
  locked_until BIGINT NOT NULL,
  is_committed BOOLEAN NOT NULL,
  answer BLOB NULL,
  created_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS idempotency_keys_created ON "idempotency_keys" (created_at);
