-- Work in the background that people ask for: leased row by row, done in chunks.
CREATE TABLE IF NOT EXISTS tasks (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  kind VARCHAR(16) NOT NULL,
  group_id INT NOT NULL,
  state VARCHAR(16) NOT NULL,
  parameters MEDIUMTEXT NOT NULL,
  is_cancelled BOOLEAN NOT NULL,
  position BIGINT NOT NULL,
  end_position BIGINT NOT NULL,
  total BIGINT NULL,
  succeeded BIGINT NOT NULL,
  skipped BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  problem_count INT NOT NULL,
  error VARCHAR(255) NOT NULL,
  revision BIGINT NOT NULL,
  owner VARCHAR(36) NOT NULL,
  fence BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  created_by VARCHAR(100) NOT NULL,
  request_id VARCHAR(64) NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  KEY tasks_state (state, lease_until),
  KEY tasks_finished (finished_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS task_inputs (
  task_id INT NOT NULL,
  ordinal INT NOT NULL,
  sealed MEDIUMBLOB NOT NULL,
  PRIMARY KEY (task_id, ordinal)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS task_problems (
  task_id INT NOT NULL,
  ordinal INT NOT NULL,
  line BIGINT NULL,
  key_id BIGINT NULL,
  hint VARCHAR(32) NOT NULL,
  reason VARCHAR(255) NOT NULL,
  PRIMARY KEY (task_id, ordinal)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
