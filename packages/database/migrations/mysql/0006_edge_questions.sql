-- Dry runs that edges are asked for; rows live for seconds.
CREATE TABLE IF NOT EXISTS edge_questions (
  id CHAR(32) NOT NULL PRIMARY KEY,
  edge VARCHAR(100) NOT NULL,
  request MEDIUMTEXT NOT NULL,
  explanation MEDIUMTEXT NULL,
  expires_at BIGINT NOT NULL,
  KEY edge_questions_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
