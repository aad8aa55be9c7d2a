-- While a rotation is under way every data key is wrapped twice, so that replicas with the former ENCRYPTION_KEY go on.
ALTER TABLE data_keys ADD COLUMN wrapped_previous VARBINARY(255) NULL;
ALTER TABLE data_keys ADD COLUMN derivation_previous VARCHAR(255) NULL;

CREATE TABLE IF NOT EXISTS encryption_rotations (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  data_key_id INT NOT NULL,
  state VARCHAR(16) NOT NULL,
  -- Of the table that is worked on, and its last id that is done.
  step INT NOT NULL,
  position BIGINT NOT NULL,
  resealed BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  created_by VARCHAR(100) NOT NULL,
  created_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
