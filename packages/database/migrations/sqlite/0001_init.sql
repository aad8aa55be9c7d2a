-- The configuration database, SQLite form of mysql/0001_init.sql: same tables, columns and indexes. Text compares by bytes.

CREATE TABLE IF NOT EXISTS "installation" (
  id INTEGER NOT NULL PRIMARY KEY,
  epoch TEXT NOT NULL,
  pepper BLOB NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS "data_keys" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  wrapped BLOB NOT NULL,
  derivation TEXT NOT NULL,
  is_active BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS "revision_counter" (
  id INTEGER NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
);

INSERT OR IGNORE INTO revision_counter (id, value) VALUES (1, 0);

CREATE TABLE IF NOT EXISTS "change_log" (
  revision BIGINT NOT NULL,
  ordinal INTEGER NOT NULL,
  kind TEXT NOT NULL,
  id_from BIGINT NOT NULL,
  id_to BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (revision, ordinal)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS change_log_kind ON "change_log" (kind, revision);

CREATE TABLE IF NOT EXISTS "snapshot_bases" (
  epoch TEXT NOT NULL,
  revision BIGINT NOT NULL,
  content_key BLOB NOT NULL,
  chunks INTEGER NOT NULL,
  bytes BIGINT NOT NULL,
  chain TEXT NOT NULL,
  completed_at BIGINT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (epoch, revision)
);

CREATE TABLE IF NOT EXISTS "snapshot_chunks" (
  epoch TEXT NOT NULL,
  revision BIGINT NOT NULL,
  ordinal INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (epoch, revision, ordinal)
);

CREATE TABLE IF NOT EXISTS "settings" (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL,
  source TEXT NOT NULL DEFAULT 'database',
  managed_by TEXT NULL,
  revision BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS "groups" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  display_name TEXT NOT NULL,
  description TEXT NOT NULL,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  enabled BOOLEAN NOT NULL,
  sort INTEGER NOT NULL,
  test_model TEXT NOT NULL,
  validation_endpoint TEXT NOT NULL,
  param_overrides TEXT NOT NULL,
  header_rules TEXT NOT NULL,
  model_redirects TEXT NOT NULL,
  model_redirect_strict BOOLEAN NOT NULL,
  settings TEXT NOT NULL,
  managed_by TEXT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS groups_name ON "groups" (name);

CREATE INDEX IF NOT EXISTS groups_sort ON "groups" (sort, id);

CREATE TABLE IF NOT EXISTS "upstreams" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  url TEXT NOT NULL,
  weight INTEGER NOT NULL,
  FOREIGN KEY (group_id) REFERENCES "groups" (id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS upstreams_group ON "upstreams" (group_id, position);

CREATE TABLE IF NOT EXISTS "aggregate_members" (
  group_id INTEGER NOT NULL,
  member_id INTEGER NOT NULL,
  weight INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (group_id, member_id),
  FOREIGN KEY (group_id) REFERENCES "groups" (id) ON DELETE CASCADE,
  FOREIGN KEY (member_id) REFERENCES "groups" (id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS aggregate_members_member ON "aggregate_members" (member_id);

CREATE TABLE IF NOT EXISTS "provider_keys" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_id INTEGER NOT NULL,
  hash BLOB NOT NULL,
  secret BLOB NOT NULL,
  hint TEXT NOT NULL,
  note TEXT NOT NULL,
  weight INTEGER NOT NULL DEFAULT 1,
  state TEXT NOT NULL,
  until BIGINT NOT NULL,
  generation INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  cause TEXT NOT NULL,
  last_probe_at BIGINT NOT NULL,
  last_probe_ok BOOLEAN NULL,
  managed_by TEXT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS provider_keys_hash ON "provider_keys" (group_id, hash);

CREATE INDEX IF NOT EXISTS provider_keys_state ON "provider_keys" (group_id, state, id);

CREATE INDEX IF NOT EXISTS provider_keys_due ON "provider_keys" (state, until);

CREATE TABLE IF NOT EXISTS "key_model_states" (
  key_id BIGINT NOT NULL,
  model TEXT NOT NULL,
  group_id INTEGER NOT NULL,
  state TEXT NOT NULL,
  until BIGINT NOT NULL,
  generation INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  cause TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (key_id, model)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS key_model_states_due ON "key_model_states" (state, until);

CREATE TABLE IF NOT EXISTS "group_key_counts" (
  group_id INTEGER NOT NULL,
  state TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (group_id, state)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS "key_events" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key_id BIGINT NOT NULL,
  group_id INTEGER NOT NULL,
  model TEXT NOT NULL,
  at BIGINT NOT NULL,
  state_from TEXT NOT NULL,
  state_to TEXT NOT NULL,
  until BIGINT NOT NULL,
  generation INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  cause TEXT NOT NULL,
  is_applied BOOLEAN NOT NULL
);

CREATE INDEX IF NOT EXISTS key_events_key ON "key_events" (key_id, id);

CREATE INDEX IF NOT EXISTS key_events_at ON "key_events" (at);

CREATE TABLE IF NOT EXISTS "access_keys" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  hash BLOB NOT NULL,
  hint TEXT NOT NULL,
  all_groups BOOLEAN NOT NULL,
  default_group_id INTEGER NULL,
  enabled BOOLEAN NOT NULL,
  expires_at BIGINT NOT NULL,
  note TEXT NOT NULL,
  managed_by TEXT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS access_keys_hash ON "access_keys" (hash);

CREATE INDEX IF NOT EXISTS access_keys_name ON "access_keys" (name);

CREATE TABLE IF NOT EXISTS "access_key_groups" (
  access_key_id INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  PRIMARY KEY (access_key_id, group_id),
  FOREIGN KEY (access_key_id) REFERENCES access_keys (id) ON DELETE CASCADE,
  FOREIGN KEY (group_id) REFERENCES "groups" (id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS access_key_groups_group ON "access_key_groups" (group_id);

CREATE TABLE IF NOT EXISTS "edges" (
  instance TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  epoch TEXT NOT NULL,
  revision BIGINT NOT NULL,
  last_post INTEGER NOT NULL DEFAULT 0,
  last_post_ack TEXT NOT NULL DEFAULT '',
  report TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  reported_at BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS edges_reported ON "edges" (reported_at);

CREATE TABLE IF NOT EXISTS "audit_log" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  revision BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  entity TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  detail TEXT NOT NULL,
  request_id TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS audit_log_at ON "audit_log" (at);

CREATE INDEX IF NOT EXISTS audit_log_entity ON "audit_log" (entity, entity_id);

CREATE TABLE IF NOT EXISTS "admin_keys" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  first_used_at BIGINT NULL
);
