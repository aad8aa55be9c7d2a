-- Request logs, SQLite (logs.db): the tables of migrations/mysql-logs without partitions. Instants are epoch milliseconds, UTC. Retention deletes by stored_on (days since 1970-01-01 UTC) in small chunks.
CREATE TABLE IF NOT EXISTS request_logs (
  stored_on INTEGER NOT NULL,
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  source TEXT NOT NULL,
  edge TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  group_name TEXT NOT NULL,
  member_group_id INTEGER NOT NULL,
  member_group_name TEXT NOT NULL,
  channel TEXT NOT NULL,
  method TEXT NOT NULL,
  request_path TEXT NOT NULL,
  model_requested TEXT NOT NULL,
  model_sent TEXT NOT NULL,
  is_stream INTEGER NOT NULL,
  access_key_id INTEGER NOT NULL,
  key_id INTEGER NOT NULL,
  key_hint TEXT NOT NULL,
  upstream TEXT NOT NULL,
  client_address TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  status INTEGER NOT NULL,
  error_class TEXT NOT NULL,
  error_code TEXT NOT NULL,
  end_reason TEXT NOT NULL,
  connect_ms INTEGER NOT NULL,
  first_byte_ms INTEGER NOT NULL,
  first_token_ms INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  bytes_in INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL,
  tokens_input INTEGER NOT NULL,
  tokens_output INTEGER NOT NULL,
  tokens_cached INTEGER NOT NULL,
  tokens_reasoning INTEGER NOT NULL,
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

-- Attempts before the last, of requests that needed more than one.
CREATE TABLE IF NOT EXISTS request_attempts (
  stored_on INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  key_id INTEGER NOT NULL,
  key_hint TEXT NOT NULL,
  upstream TEXT NOT NULL,
  connect_ms INTEGER NOT NULL,
  head_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  status INTEGER NOT NULL,
  error_class TEXT NOT NULL,
  error_code TEXT NOT NULL,
  error_message TEXT NOT NULL,
  PRIMARY KEY (request_id, number, stored_on)
);
CREATE INDEX IF NOT EXISTS request_attempts_stored ON request_attempts (stored_on);

-- Failed requests with their error text: small, so that "errors of the last hour" is an index range.
CREATE TABLE IF NOT EXISTS failed_requests (
  stored_on INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  group_id INTEGER NOT NULL,
  status INTEGER NOT NULL,
  error_class TEXT NOT NULL,
  error_code TEXT NOT NULL,
  error_message TEXT NOT NULL,
  PRIMARY KEY (received_at, request_id, stored_on)
);
CREATE INDEX IF NOT EXISTS failed_requests_request ON failed_requests (request_id);
CREATE INDEX IF NOT EXISTS failed_requests_stored ON failed_requests (stored_on);

-- Identity of every committed batch: a resend is recognised by it, and gaps per source are read from it.
CREATE TABLE IF NOT EXISTS log_batches (
  source TEXT NOT NULL,
  first_sequence INTEGER NOT NULL,
  event_count INTEGER NOT NULL,
  -- Events of the batch that went to the dead letters alone.
  dead_lettered INTEGER NOT NULL,
  edge TEXT NOT NULL,
  committed_at INTEGER NOT NULL,
  PRIMARY KEY (source, first_sequence)
);
CREATE INDEX IF NOT EXISTS log_batches_committed ON log_batches (committed_at);

-- Where to go on, per partition: compared and set in the transaction that stores the rows.
CREATE TABLE IF NOT EXISTS log_offsets (
  topic TEXT NOT NULL,
  partition_id INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (topic, partition_id)
);

-- Additive sums per span (60, 3600, 86400 s) and dimensions; `dims` is a hash of the dimension columns.
CREATE TABLE IF NOT EXISTS request_rollups (
  span INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  dims BLOB NOT NULL,
  group_id INTEGER NOT NULL,
  member_group_id INTEGER NOT NULL,
  access_key_id INTEGER NOT NULL,
  status_class INTEGER NOT NULL,
  model TEXT NOT NULL,
  upstream TEXT NOT NULL,
  requests INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  -- Succeeded after at least one failed attempt.
  rescued INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  bytes_in INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL,
  tokens_input INTEGER NOT NULL,
  tokens_output INTEGER NOT NULL,
  tokens_cached INTEGER NOT NULL,
  tokens_reasoning INTEGER NOT NULL,
  PRIMARY KEY (span, bucket, dims)
);

-- Latency as counts in logarithmic bins (8 per octave), so that percentiles merge over any range.
-- metric: 1 = duration, 2 = first byte, 3 = first token.
CREATE TABLE IF NOT EXISTS latency_rollups (
  span INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  dims BLOB NOT NULL,
  metric INTEGER NOT NULL,
  bin INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  PRIMARY KEY (span, bucket, dims, metric, bin)
);

CREATE TABLE IF NOT EXISTS key_rollups (
  bucket INTEGER NOT NULL,
  key_id INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  PRIMARY KEY (key_id, bucket)
);
CREATE INDEX IF NOT EXISTS key_rollups_bucket ON key_rollups (bucket);
