-- Request logs (MySQL 8.4+, MariaDB 10.11+). Instants are epoch milliseconds, UTC. Rows are partitioned by the day on which
-- they were ingested (stored_on, days since 1970-01-01 UTC), so an edge's clock can never miss a partition; retention
-- drops partitions. Partitioned tables: every unique key holds stored_on, and there are no foreign keys.
CREATE TABLE IF NOT EXISTS request_logs (
  stored_on INT UNSIGNED NOT NULL,
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  received_at BIGINT NOT NULL,
  request_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  edge VARCHAR(100) NOT NULL,
  sequence BIGINT UNSIGNED NOT NULL,
  group_id INT UNSIGNED NOT NULL,
  group_name VARCHAR(100) NOT NULL,
  member_group_id INT UNSIGNED NOT NULL,
  member_group_name VARCHAR(100) NOT NULL,
  channel VARCHAR(16) CHARACTER SET ascii NOT NULL,
  method VARCHAR(16) CHARACTER SET ascii NOT NULL,
  request_path VARCHAR(2048) NOT NULL,
  model_requested VARCHAR(255) NOT NULL,
  model_sent VARCHAR(255) NOT NULL,
  is_stream TINYINT NOT NULL,
  access_key_id INT UNSIGNED NOT NULL,
  key_id BIGINT UNSIGNED NOT NULL,
  key_hint VARCHAR(32) NOT NULL,
  upstream VARCHAR(500) NOT NULL,
  client_address VARCHAR(64) NOT NULL,
  user_agent VARCHAR(512) NOT NULL,
  status SMALLINT UNSIGNED NOT NULL,
  error_class VARCHAR(16) CHARACTER SET ascii NOT NULL,
  error_code VARCHAR(100) NOT NULL,
  end_reason VARCHAR(16) CHARACTER SET ascii NOT NULL,
  connect_ms INT NOT NULL,
  first_byte_ms INT NOT NULL,
  first_token_ms INT NOT NULL,
  duration_ms INT NOT NULL,
  bytes_in BIGINT NOT NULL,
  bytes_out BIGINT NOT NULL,
  tokens_input INT NOT NULL,
  tokens_output INT NOT NULL,
  tokens_cached INT NOT NULL,
  tokens_reasoning INT NOT NULL,
  attempts SMALLINT UNSIGNED NOT NULL,
  -- 0 = plausible, 1 = more than an hour ahead of ingest, 2 = older than retention
  clock_flag TINYINT NOT NULL,
  PRIMARY KEY (id, stored_on),
  KEY received (received_at, id),
  KEY request (request_id),
  KEY by_group (group_id, received_at),
  KEY by_access_key (access_key_id, received_at),
  KEY by_key (key_id, received_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PARTITION BY RANGE (stored_on) (PARTITION p0 VALUES LESS THAN (1));

-- Attempts before the last, of requests that needed more than one.
CREATE TABLE IF NOT EXISTS request_attempts (
  stored_on INT UNSIGNED NOT NULL,
  request_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number SMALLINT UNSIGNED NOT NULL,
  received_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  group_id INT UNSIGNED NOT NULL,
  key_id BIGINT UNSIGNED NOT NULL,
  key_hint VARCHAR(32) NOT NULL,
  upstream VARCHAR(500) NOT NULL,
  connect_ms INT NOT NULL,
  head_ms INT NOT NULL,
  end_ms INT NOT NULL,
  status SMALLINT UNSIGNED NOT NULL,
  error_class VARCHAR(16) CHARACTER SET ascii NOT NULL,
  error_code VARCHAR(100) NOT NULL,
  error_message VARCHAR(2048) NOT NULL,
  PRIMARY KEY (request_id, number, stored_on)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PARTITION BY RANGE (stored_on) (PARTITION p0 VALUES LESS THAN (1));

-- Failed requests with their error text: small, so that "errors of the last hour" is an index range.
CREATE TABLE IF NOT EXISTS failed_requests (
  stored_on INT UNSIGNED NOT NULL,
  received_at BIGINT NOT NULL,
  request_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  group_id INT UNSIGNED NOT NULL,
  status SMALLINT UNSIGNED NOT NULL,
  error_class VARCHAR(16) CHARACTER SET ascii NOT NULL,
  error_code VARCHAR(100) NOT NULL,
  error_message VARCHAR(2048) NOT NULL,
  PRIMARY KEY (received_at, request_id, stored_on),
  KEY request (request_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PARTITION BY RANGE (stored_on) (PARTITION p0 VALUES LESS THAN (1));

-- Identity of every committed batch: a resend is recognised by it, and gaps per source are read from it.
CREATE TABLE IF NOT EXISTS log_batches (
  source VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  first_sequence BIGINT UNSIGNED NOT NULL,
  event_count INT UNSIGNED NOT NULL,
  -- Events of the batch that went to the dead letters alone.
  dead_lettered INT UNSIGNED NOT NULL,
  edge VARCHAR(100) NOT NULL,
  committed_at BIGINT NOT NULL,
  PRIMARY KEY (source, first_sequence),
  KEY committed (committed_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Where to go on, per partition: compared and set in the transaction that stores the rows.
CREATE TABLE IF NOT EXISTS log_offsets (
  topic VARCHAR(249) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  partition_id INT NOT NULL,
  next_offset BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (topic, partition_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Additive sums per span (60, 3600, 86400 s) and dimensions; `dims` is a hash of the dimension columns.
CREATE TABLE IF NOT EXISTS request_rollups (
  span INT UNSIGNED NOT NULL,
  bucket BIGINT NOT NULL,
  dims BINARY(16) NOT NULL,
  group_id INT UNSIGNED NOT NULL,
  member_group_id INT UNSIGNED NOT NULL,
  access_key_id INT UNSIGNED NOT NULL,
  status_class TINYINT UNSIGNED NOT NULL,
  model VARCHAR(255) NOT NULL,
  upstream VARCHAR(500) NOT NULL,
  requests BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  -- Succeeded after at least one failed attempt.
  rescued BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  bytes_in BIGINT NOT NULL,
  bytes_out BIGINT NOT NULL,
  tokens_input BIGINT NOT NULL,
  tokens_output BIGINT NOT NULL,
  tokens_cached BIGINT NOT NULL,
  tokens_reasoning BIGINT NOT NULL,
  PRIMARY KEY (span, bucket, dims)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Latency as counts in logarithmic bins (8 per octave), so that percentiles merge over any range.
-- metric: 1 = duration, 2 = first byte, 3 = first token.
CREATE TABLE IF NOT EXISTS latency_rollups (
  span INT UNSIGNED NOT NULL,
  bucket BIGINT NOT NULL,
  dims BINARY(16) NOT NULL,
  metric TINYINT UNSIGNED NOT NULL,
  bin SMALLINT UNSIGNED NOT NULL,
  requests BIGINT NOT NULL,
  PRIMARY KEY (span, bucket, dims, metric, bin)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS key_rollups (
  bucket BIGINT NOT NULL,
  key_id BIGINT UNSIGNED NOT NULL,
  group_id INT UNSIGNED NOT NULL,
  requests BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL,
  PRIMARY KEY (key_id, bucket),
  KEY bucket (bucket)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
