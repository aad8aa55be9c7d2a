-- Which key made a resource at the provider, by the hash of group and id; edges learn and share it.
CREATE TABLE IF NOT EXISTS resource_keys (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  high INT NOT NULL,
  low INT NOT NULL,
  key_id BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE KEY resource_keys_hash (high, low),
  KEY resource_keys_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
