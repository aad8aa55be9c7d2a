-- What tokens cost goes by the model that was sent and by whose it is.
ALTER TABLE request_rollups ADD COLUMN channel VARCHAR(16) CHARACTER SET ascii NOT NULL DEFAULT '';
ALTER TABLE request_rollups ADD COLUMN model_sent VARCHAR(255) NOT NULL DEFAULT '';

-- Failed requests by cause, additive like request_rollups. An empty class: the upstream's answer went through as it was.
CREATE TABLE IF NOT EXISTS error_rollups (
  span INT UNSIGNED NOT NULL,
  bucket BIGINT NOT NULL,
  dims BINARY(16) NOT NULL,
  group_id INT UNSIGNED NOT NULL,
  member_group_id INT UNSIGNED NOT NULL,
  access_key_id INT UNSIGNED NOT NULL,
  model VARCHAR(255) NOT NULL,
  upstream VARCHAR(500) NOT NULL,
  status SMALLINT UNSIGNED NOT NULL,
  error_class VARCHAR(16) CHARACTER SET ascii NOT NULL,
  error_code VARCHAR(100) NOT NULL,
  requests BIGINT NOT NULL,
  PRIMARY KEY (span, bucket, dims)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
