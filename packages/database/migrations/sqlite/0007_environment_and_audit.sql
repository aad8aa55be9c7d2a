-- What the newest start of config-service said to edges beside the database: its environment's settings and AUTH_KEY.
CREATE TABLE IF NOT EXISTS "noted_environment" (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL
);

-- The audit log of one actor, newest first.
CREATE INDEX IF NOT EXISTS audit_log_actor ON "audit_log" (actor, id);
