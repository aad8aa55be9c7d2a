-- What settings, groups and access keys were after each revision that changed them; '' = gone.
CREATE TABLE IF NOT EXISTS policy_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- setting (id 0) | group | access_key
  entity TEXT NOT NULL,
  entity_id INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS policy_history_entity ON policy_history (entity, entity_id, revision);
CREATE INDEX IF NOT EXISTS policy_history_revision ON policy_history (revision);
