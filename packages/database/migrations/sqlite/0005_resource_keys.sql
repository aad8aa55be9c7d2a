-- Which key made a resource at the provider, by the hash of group and id; edges learn and share it.
CREATE TABLE IF NOT EXISTS "resource_keys" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  high INTEGER NOT NULL,
  low INTEGER NOT NULL,
  key_id BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS resource_keys_hash ON "resource_keys" (high, low);

CREATE INDEX IF NOT EXISTS resource_keys_expires ON "resource_keys" (expires_at);
