-- Sums of request_rollups by model alone: a busy hour has a thousand combinations of group, access key, upstream and outcome, but
-- a dozen models, and what a whole installation did and paid needs no more.
CREATE TABLE IF NOT EXISTS model_rollups (
  span INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  channel TEXT NOT NULL,
  model TEXT NOT NULL,
  model_sent TEXT NOT NULL,
  requests INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  rescued INTEGER NOT NULL,
  -- Attempts after the first of each request.
  retries INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  bytes_in INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL,
  tokens_input INTEGER NOT NULL,
  tokens_output INTEGER NOT NULL,
  tokens_cached INTEGER NOT NULL,
  tokens_reasoning INTEGER NOT NULL,
  PRIMARY KEY (span, bucket, channel, model, model_sent)
);

INSERT OR IGNORE INTO model_rollups
SELECT span, bucket, channel, model, model_sent, SUM(requests), SUM(failures), SUM(rescued),
  SUM(CASE WHEN attempts > requests THEN attempts - requests ELSE 0 END), SUM(duration_ms), SUM(bytes_in), SUM(bytes_out),
  SUM(tokens_input), SUM(tokens_output), SUM(tokens_cached), SUM(tokens_reasoning)
FROM request_rollups GROUP BY span, bucket, channel, model, model_sent;
