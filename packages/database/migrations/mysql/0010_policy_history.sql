-- What settings, groups and access keys were after each revision that changed them; '' = gone.
CREATE TABLE IF NOT EXISTS policy_history (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  -- setting (id 0) | group | access_key
  entity VARCHAR(16) NOT NULL,
  entity_id INT NOT NULL,
  revision BIGINT NOT NULL,
  state MEDIUMTEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE KEY policy_history_entity (entity, entity_id, revision),
  KEY policy_history_revision (revision)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
