-- Per source (edge process and worker): what became of its records. Kept with the rows, so that nobody sums up batches.
CREATE TABLE IF NOT EXISTS log_sources (
  source VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  edge VARCHAR(100) NOT NULL,
  last_sequence BIGINT NOT NULL,
  committed BIGINT NOT NULL,
  -- Counted in the rollups only.
  sampled_out BIGINT NOT NULL,
  dead_lettered BIGINT NOT NULL,
  last_committed_at BIGINT NOT NULL,
  PRIMARY KEY (source),
  KEY committed (last_committed_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO log_sources (source, edge, last_sequence, committed, sampled_out, dead_lettered, last_committed_at)
SELECT source, MAX(edge), MAX(first_sequence + event_count - 1), SUM(event_count) - SUM(dead_lettered), 0, SUM(dead_lettered), MAX(committed_at)
FROM log_batches GROUP BY source;

-- How far the stream reaches, as its consumer has seen it; log_offsets says how much of that is stored.
CREATE TABLE IF NOT EXISTS log_positions (
  topic VARCHAR(249) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  partition_id INT NOT NULL,
  high_watermark BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (topic, partition_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What could not be stored: a whole record, or one event of it. Written in the transaction that goes past it.
CREATE TABLE IF NOT EXISTS log_dead_letters (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  kind VARCHAR(8) CHARACTER SET ascii NOT NULL,
  -- waiting, replay (asked for), refused (asked for in vain), replayed
  state VARCHAR(8) CHARACTER SET ascii NOT NULL,
  reason VARCHAR(500) NOT NULL,
  topic VARCHAR(249) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  partition_id INT NOT NULL,
  record_offset BIGINT NOT NULL,
  -- '' and 0 where the record does not say whose it is.
  source VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  edge VARCHAR(100) NOT NULL,
  first_sequence BIGINT NOT NULL,
  event_count BIGINT NOT NULL,
  bytes MEDIUMBLOB NOT NULL,
  lettered_at BIGINT NOT NULL,
  settled_at BIGINT NOT NULL,
  PRIMARY KEY (id),
  KEY by_state (state, id),
  KEY by_source (source, first_sequence),
  KEY lettered (lettered_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
