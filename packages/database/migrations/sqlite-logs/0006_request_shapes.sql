-- What many requests have in common is stored once a day: a row of request_logs names its shape by the head of a hash over the columns
-- of request_shapes. A day's rows refer to that day's shapes, so that retention deletes both alike; a caller that makes up a new path or
-- agent for each request costs a shape for each, no more.
CREATE TABLE IF NOT EXISTS request_shapes (
  stored_on INTEGER NOT NULL,
  shape BLOB NOT NULL,
  edge TEXT NOT NULL,
  group_name TEXT NOT NULL,
  member_group_id INTEGER NOT NULL,
  member_group_name TEXT NOT NULL,
  channel TEXT NOT NULL,
  method TEXT NOT NULL,
  request_path TEXT NOT NULL,
  model_requested TEXT NOT NULL,
  model_sent TEXT NOT NULL,
  is_stream INTEGER NOT NULL,
  upstream TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  error_class TEXT NOT NULL,
  error_code TEXT NOT NULL,
  end_reason TEXT NOT NULL,
  PRIMARY KEY (stored_on, shape)
);

-- Made anew: requests logged before are gone, their sums stay.
DROP TABLE IF EXISTS request_logs;
CREATE TABLE IF NOT EXISTS request_logs (
  stored_on INTEGER NOT NULL,
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  shape BLOB NOT NULL,
  group_id INTEGER NOT NULL,
  access_key_id INTEGER NOT NULL,
  key_id INTEGER NOT NULL,
  key_hint TEXT NOT NULL,
  client_address TEXT NOT NULL,
  status INTEGER NOT NULL,
  -- NULL = did not happen, is not known
  connect_ms INTEGER NULL,
  first_byte_ms INTEGER NULL,
  first_token_ms INTEGER NULL,
  duration_ms INTEGER NOT NULL,
  bytes_in INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL,
  tokens_input INTEGER NULL,
  tokens_output INTEGER NULL,
  tokens_cached INTEGER NULL,
  tokens_reasoning INTEGER NULL,
  attempts INTEGER NOT NULL,
  -- 0 = plausible, 1 = more than an hour ahead of ingest, 2 = older than retention
  clock_flag INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS request_logs_received ON request_logs (received_at, id);
CREATE INDEX IF NOT EXISTS request_logs_request ON request_logs (request_id);
CREATE INDEX IF NOT EXISTS request_logs_by_group ON request_logs (group_id, received_at);
CREATE INDEX IF NOT EXISTS request_logs_by_access_key ON request_logs (access_key_id, received_at);
CREATE INDEX IF NOT EXISTS request_logs_by_key ON request_logs (key_id, received_at);
CREATE INDEX IF NOT EXISTS request_logs_stored ON request_logs (stored_on);

-- It is joined by its primary key only.
DROP TABLE IF EXISTS failed_requests;
CREATE TABLE IF NOT EXISTS failed_requests (
  stored_on INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  status INTEGER NOT NULL,
  error_class TEXT NOT NULL,
  error_code TEXT NOT NULL,
  error_message TEXT NOT NULL,
  PRIMARY KEY (received_at, request_id, stored_on)
);
CREATE INDEX IF NOT EXISTS failed_requests_stored ON failed_requests (stored_on);
