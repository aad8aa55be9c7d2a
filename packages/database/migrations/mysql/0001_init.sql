-- The configuration database. Instants are epoch milliseconds, UTC. Everything that is compared by bytes (names, hashes,
-- states) is utf8mb4_bin. provider_keys and its satellites have no foreign keys: a group of a million keys is deleted in chunks.

CREATE TABLE IF NOT EXISTS installation (
  id INT NOT NULL PRIMARY KEY,
  epoch CHAR(32) NOT NULL,
  pepper VARBINARY(255) NOT NULL,
  created_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS data_keys (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  wrapped VARBINARY(255) NOT NULL,
  derivation VARCHAR(255) NOT NULL,
  is_active BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS revision_counter (
  id INT NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO revision_counter (id, value) VALUES (1, 0);

CREATE TABLE IF NOT EXISTS change_log (
  revision BIGINT NOT NULL,
  ordinal INT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  id_from BIGINT NOT NULL,
  id_to BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (revision, ordinal),
  KEY change_log_kind (kind, revision)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS snapshot_bases (
  epoch CHAR(32) NOT NULL,
  revision BIGINT NOT NULL,
  content_key VARBINARY(255) NOT NULL,
  chunks INT NOT NULL,
  bytes BIGINT NOT NULL,
  chain CHAR(64) NOT NULL,
  completed_at BIGINT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (epoch, revision)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS snapshot_chunks (
  epoch CHAR(32) NOT NULL,
  revision BIGINT NOT NULL,
  ordinal INT NOT NULL,
  bytes MEDIUMBLOB NOT NULL,
  PRIMARY KEY (epoch, revision, ordinal)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS settings (
  name VARCHAR(100) NOT NULL PRIMARY KEY,
  value TEXT NOT NULL,
  source VARCHAR(16) NOT NULL DEFAULT 'database',
  managed_by VARCHAR(255) NULL,
  revision BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `groups` (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  display_name VARCHAR(255) NOT NULL,
  description VARCHAR(512) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  channel VARCHAR(32) NOT NULL,
  enabled BOOLEAN NOT NULL,
  sort INT NOT NULL,
  test_model VARCHAR(255) NOT NULL,
  validation_endpoint VARCHAR(255) NOT NULL,
  param_overrides MEDIUMTEXT NOT NULL,
  header_rules MEDIUMTEXT NOT NULL,
  model_redirects MEDIUMTEXT NOT NULL,
  model_redirect_strict BOOLEAN NOT NULL,
  settings MEDIUMTEXT NOT NULL,
  managed_by VARCHAR(255) NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE KEY groups_name (name),
  KEY groups_sort (sort, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS upstreams (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  group_id INT NOT NULL,
  position INT NOT NULL,
  url VARCHAR(1024) NOT NULL,
  weight INT NOT NULL,
  KEY upstreams_group (group_id, position),
  CONSTRAINT upstreams_group_fk FOREIGN KEY (group_id) REFERENCES `groups` (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS aggregate_members (
  group_id INT NOT NULL,
  member_id INT NOT NULL,
  weight INT NOT NULL,
  position INT NOT NULL,
  PRIMARY KEY (group_id, member_id),
  KEY aggregate_members_member (member_id),
  CONSTRAINT aggregate_members_group_fk FOREIGN KEY (group_id) REFERENCES `groups` (id) ON DELETE CASCADE,
  CONSTRAINT aggregate_members_member_fk FOREIGN KEY (member_id) REFERENCES `groups` (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS provider_keys (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  group_id INT NOT NULL,
  hash BINARY(32) NOT NULL,
  secret VARBINARY(4400) NOT NULL,
  hint VARCHAR(32) NOT NULL,
  note VARCHAR(255) NOT NULL,
  weight INT NOT NULL DEFAULT 1,
  state VARCHAR(16) NOT NULL,
  until BIGINT NOT NULL,
  generation INT NOT NULL,
  failures INT NOT NULL,
  cause VARCHAR(1024) NOT NULL,
  last_probe_at BIGINT NOT NULL,
  last_probe_ok BOOLEAN NULL,
  managed_by VARCHAR(255) NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE KEY provider_keys_hash (group_id, hash),
  KEY provider_keys_state (group_id, state, id),
  KEY provider_keys_due (state, until)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS key_model_states (
  key_id BIGINT NOT NULL,
  model VARCHAR(255) NOT NULL,
  group_id INT NOT NULL,
  state VARCHAR(16) NOT NULL,
  until BIGINT NOT NULL,
  generation INT NOT NULL,
  failures INT NOT NULL,
  cause VARCHAR(1024) NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (key_id, model),
  KEY key_model_states_due (state, until)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS group_key_counts (
  group_id INT NOT NULL,
  state VARCHAR(16) NOT NULL,
  count INT NOT NULL,
  PRIMARY KEY (group_id, state)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS key_events (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  key_id BIGINT NOT NULL,
  group_id INT NOT NULL,
  model VARCHAR(255) NOT NULL,
  at BIGINT NOT NULL,
  state_from VARCHAR(16) NOT NULL,
  state_to VARCHAR(16) NOT NULL,
  until BIGINT NOT NULL,
  generation INT NOT NULL,
  failures INT NOT NULL,
  cause VARCHAR(1024) NOT NULL,
  is_applied BOOLEAN NOT NULL,
  KEY key_events_key (key_id, id),
  KEY key_events_at (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS access_keys (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  hash BINARY(32) NOT NULL,
  hint VARCHAR(32) NOT NULL,
  all_groups BOOLEAN NOT NULL,
  default_group_id INT NULL,
  enabled BOOLEAN NOT NULL,
  expires_at BIGINT NOT NULL,
  note VARCHAR(255) NOT NULL,
  managed_by VARCHAR(255) NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE KEY access_keys_hash (hash),
  KEY access_keys_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS access_key_groups (
  access_key_id INT NOT NULL,
  group_id INT NOT NULL,
  PRIMARY KEY (access_key_id, group_id),
  KEY access_key_groups_group (group_id),
  CONSTRAINT access_key_groups_key_fk FOREIGN KEY (access_key_id) REFERENCES access_keys (id) ON DELETE CASCADE,
  CONSTRAINT access_key_groups_group_fk FOREIGN KEY (group_id) REFERENCES `groups` (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS edges (
  instance VARCHAR(64) NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  version VARCHAR(64) NOT NULL,
  epoch CHAR(32) NOT NULL,
  revision BIGINT NOT NULL,
  last_post INT NOT NULL DEFAULT 0,
  last_post_ack VARCHAR(255) NOT NULL DEFAULT '',
  report TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  reported_at BIGINT NOT NULL,
  KEY edges_reported (reported_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS audit_log (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  revision BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor VARCHAR(100) NOT NULL,
  action VARCHAR(64) NOT NULL,
  entity VARCHAR(32) NOT NULL,
  entity_id VARCHAR(64) NOT NULL,
  detail TEXT NOT NULL,
  request_id VARCHAR(64) NOT NULL,
  KEY audit_log_at (at),
  KEY audit_log_entity (entity, entity_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS admin_keys (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  hash VARCHAR(255) NOT NULL,
  created_at BIGINT NOT NULL,
  first_used_at BIGINT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
