-- Sums of request_rollups by model alone: a busy hour has a thousand combinations of group, access key, upstream and outcome, but
-- a dozen models, and what a whole installation did and paid needs no more.
CREATE TABLE IF NOT EXISTS model_rollups (
  span INT UNSIGNED NOT NULL,
  bucket BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET ascii NOT NULL,
  model VARCHAR(255) NOT NULL,
  model_sent VARCHAR(255) NOT NULL,
  requests BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  rescued BIGINT NOT NULL,
  -- Attempts after the first of each request.
  retries BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  bytes_in BIGINT NOT NULL,
  bytes_out BIGINT NOT NULL,
  tokens_input BIGINT NOT NULL,
  tokens_output BIGINT NOT NULL,
  tokens_cached BIGINT NOT NULL,
  tokens_reasoning BIGINT NOT NULL,
  PRIMARY KEY (span, bucket, channel, model, model_sent)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO model_rollups
SELECT span, bucket, channel, model, model_sent, SUM(requests), SUM(failures), SUM(rescued),
  SUM(CASE WHEN attempts > requests THEN attempts - requests ELSE 0 END), SUM(duration_ms), SUM(bytes_in), SUM(bytes_out),
  SUM(tokens_input), SUM(tokens_output), SUM(tokens_cached), SUM(tokens_reasoning)
FROM request_rollups GROUP BY span, bucket, channel, model, model_sent;
