-- While a rotation is under way every data key is wrapped twice, so that a process with the former ENCRYPTION_KEY goes on.
ALTER TABLE "data_keys" ADD COLUMN wrapped_previous BLOB;
ALTER TABLE "data_keys" ADD COLUMN derivation_previous TEXT;

CREATE TABLE IF NOT EXISTS encryption_rotations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  data_key_id INTEGER NOT NULL,
  state TEXT NOT NULL,
  -- Of the table that is worked on, and its last id that is done.
  step INTEGER NOT NULL,
  position INTEGER NOT NULL,
  resealed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL
);
