-- What exports have made, sealed, until it is fetched or a day has passed.
ALTER TABLE "tasks" ADD COLUMN output_until BIGINT NOT NULL DEFAULT 0;
CREATE TABLE IF NOT EXISTS "task_outputs" (
  task_id INTEGER NOT NULL,
  position BIGINT NOT NULL,
  key_count INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (task_id, position)
);
