-- Keys that are out by the class of their cause, maintained as group_key_counts is.
CREATE TABLE IF NOT EXISTS group_cause_counts (
  group_id INT NOT NULL,
  cause VARCHAR(16) NOT NULL,
  count INT NOT NULL,
  PRIMARY KEY (group_id, cause)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT IGNORE INTO group_cause_counts (group_id, cause, count)
  SELECT group_id, cause_class, COUNT(*) FROM provider_keys WHERE state <> 'active' AND cause_class IS NOT NULL GROUP BY group_id, cause_class;
