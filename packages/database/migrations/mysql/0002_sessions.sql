-- Sessions, named admin tokens, answers kept for Idempotency-Key.
CREATE TABLE IF NOT EXISTS sessions (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  hash BINARY(32) NOT NULL,
  credential VARCHAR(64) NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE KEY sessions_hash (hash),
  KEY sessions_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS admin_tokens (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  hash BINARY(32) NOT NULL,
  hint VARCHAR(32) NOT NULL,
  scopes VARCHAR(100) NOT NULL,
  expires_at BIGINT NOT NULL,
  created_by VARCHAR(100) NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL,
  UNIQUE KEY admin_tokens_name (name),
  UNIQUE KEY admin_tokens_hash (hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS idempotency_keys (
  hash BINARY(32) NOT NULL PRIMARY KEY,
  request BINARY(32) NOT NULL,
  locked_until BIGINT NOT NULL,
  is_committed BOOLEAN NOT NULL,
  answer MEDIUMBLOB NULL,
  created_at BIGINT NOT NULL,
  KEY idempotency_keys_created (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
