-- What the newest start of config-service said to edges beside the database: its environment's settings and AUTH_KEY.
CREATE TABLE IF NOT EXISTS noted_environment (
  id INT NOT NULL PRIMARY KEY,
  digest VARCHAR(64) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The audit log of one actor, newest first.
CREATE INDEX audit_log_actor ON audit_log (actor, id);
