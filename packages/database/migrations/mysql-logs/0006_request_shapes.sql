-- What many requests have in common is stored once a day: a row of request_logs names its shape by the head of a hash over the columns
-- of request_shapes. A day's rows refer to that day's shapes, so that retention drops both alike; a caller that makes up a new path or
-- agent for each request costs a shape for each, no more. Not partitioned: a day of it is deleted in chunks.
CREATE TABLE IF NOT EXISTS request_shapes (
  stored_on SMALLINT UNSIGNED NOT NULL,
  shape BINARY(8) NOT NULL,
  edge VARCHAR(100) NOT NULL,
  group_name VARCHAR(100) NOT NULL,
  member_group_id INT UNSIGNED NOT NULL,
  member_group_name VARCHAR(100) NOT NULL,
  channel VARCHAR(16) CHARACTER SET ascii NOT NULL,
  method VARCHAR(16) CHARACTER SET ascii NOT NULL,
  request_path VARCHAR(2048) NOT NULL,
  model_requested VARCHAR(255) NOT NULL,
  model_sent VARCHAR(255) NOT NULL,
  is_stream TINYINT NOT NULL,
  upstream VARCHAR(500) NOT NULL,
  user_agent VARCHAR(512) NOT NULL,
  error_class VARCHAR(16) CHARACTER SET ascii NOT NULL,
  error_code VARCHAR(100) NOT NULL,
  end_reason VARCHAR(16) CHARACTER SET ascii NOT NULL,
  PRIMARY KEY (stored_on, shape)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Made anew: requests logged before are gone, their sums stay.
DROP TABLE IF EXISTS request_logs;
CREATE TABLE IF NOT EXISTS request_logs (
  -- Each index entry holds (id, stored_on): 16 bits of days reach the year 2149.
  stored_on SMALLINT UNSIGNED NOT NULL,
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  received_at BIGINT NOT NULL,
  request_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  shape BINARY(8) NOT NULL,
  group_id INT UNSIGNED NOT NULL,
  access_key_id INT UNSIGNED NOT NULL,
  key_id BIGINT UNSIGNED NOT NULL,
  key_hint VARCHAR(32) NOT NULL,
  client_address VARCHAR(64) NOT NULL,
  status SMALLINT UNSIGNED NOT NULL,
  -- NULL = did not happen, is not known
  connect_ms INT UNSIGNED NULL,
  first_byte_ms INT UNSIGNED NULL,
  first_token_ms INT UNSIGNED NULL,
  duration_ms INT UNSIGNED NOT NULL,
  -- Four GiB at most: the sums have more.
  bytes_in INT UNSIGNED NOT NULL,
  bytes_out INT UNSIGNED NOT NULL,
  tokens_input INT UNSIGNED NULL,
  tokens_output INT UNSIGNED NULL,
  tokens_cached INT UNSIGNED NULL,
  tokens_reasoning INT UNSIGNED NULL,
  attempts SMALLINT UNSIGNED NOT NULL,
  -- 0 = plausible, 1 = more than an hour ahead of ingest, 2 = older than retention
  clock_flag TINYINT NOT NULL,
  PRIMARY KEY (id, stored_on),
  KEY received (received_at, id),
  -- Worker and counter, which ascends: they tell ids apart.
  KEY request (request_id(15)),
  -- The id is in an index anyway; named, rows come in the order of a page without being sorted.
  KEY by_group (group_id, received_at, id),
  KEY by_access_key (access_key_id, received_at, id),
  KEY by_key (key_id, received_at, id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PARTITION BY RANGE (stored_on) (PARTITION p0 VALUES LESS THAN (1));

-- It is joined by its primary key only.
DROP TABLE IF EXISTS failed_requests;
CREATE TABLE IF NOT EXISTS failed_requests (
  stored_on SMALLINT UNSIGNED NOT NULL,
  received_at BIGINT NOT NULL,
  request_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status SMALLINT UNSIGNED NOT NULL,
  error_class VARCHAR(16) CHARACTER SET ascii NOT NULL,
  error_code VARCHAR(100) NOT NULL,
  error_message VARCHAR(2048) NOT NULL,
  PRIMARY KEY (received_at, request_id, stored_on)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PARTITION BY RANGE (stored_on) (PARTITION p0 VALUES LESS THAN (1));
