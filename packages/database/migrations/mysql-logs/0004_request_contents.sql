-- What was sent and answered, of groups that record it: redacted and cut at the edge, found by the request's id, dropped by
-- partition after content_log_retention_days. A type that is NULL: that body was not recorded.
CREATE TABLE IF NOT EXISTS request_contents (
  stored_on INT UNSIGNED NOT NULL,
  request_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  received_at BIGINT NOT NULL,
  group_id INT UNSIGNED NOT NULL,
  request_type VARCHAR(100) NULL,
  request_text MEDIUMTEXT NOT NULL,
  request_cut TINYINT NOT NULL,
  -- Why there is no text: binary, encoding
  request_omitted VARCHAR(16) CHARACTER SET ascii NOT NULL,
  response_type VARCHAR(100) NULL,
  response_text MEDIUMTEXT NOT NULL,
  response_cut TINYINT NOT NULL,
  response_omitted VARCHAR(16) CHARACTER SET ascii NOT NULL,
  PRIMARY KEY (request_id, stored_on)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PARTITION BY RANGE (stored_on) (PARTITION p0 VALUES LESS THAN (1));
