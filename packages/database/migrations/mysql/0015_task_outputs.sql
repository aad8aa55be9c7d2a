-- What exports have made, sealed, until it is fetched or a day has passed.
ALTER TABLE tasks ADD COLUMN output_until BIGINT NOT NULL DEFAULT 0;
CREATE TABLE IF NOT EXISTS task_outputs (
  task_id INT NOT NULL,
  position BIGINT NOT NULL,
  key_count INT NOT NULL,
  sealed MEDIUMBLOB NOT NULL,
  PRIMARY KEY (task_id, position)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
