-- Work in the background that people ask for: leased row by row, done in chunks.
CREATE TABLE IF NOT EXISTS "tasks" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  group_id INTEGER NOT NULL,
  state TEXT NOT NULL,
  parameters TEXT NOT NULL,
  is_cancelled BOOLEAN NOT NULL,
  position BIGINT NOT NULL,
  end_position BIGINT NOT NULL,
  total BIGINT NULL,
  succeeded BIGINT NOT NULL,
  skipped BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  problem_count INTEGER NOT NULL,
  error TEXT NOT NULL,
  revision BIGINT NOT NULL,
  owner TEXT NOT NULL,
  fence BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  request_id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS tasks_state ON "tasks" (state, lease_until);

CREATE INDEX IF NOT EXISTS tasks_finished ON "tasks" (finished_at);

CREATE TABLE IF NOT EXISTS "task_inputs" (
  task_id INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (task_id, ordinal)
);

CREATE TABLE IF NOT EXISTS "task_problems" (
  task_id INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  line BIGINT NULL,
  key_id BIGINT NULL,
  hint TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (task_id, ordinal)
) WITHOUT ROWID;
