-- The tables of migrations/mysql-logs/0002_log_accounts.sql.
CREATE TABLE IF NOT EXISTS log_sources (
  source TEXT NOT NULL,
  edge TEXT NOT NULL,
  last_sequence INTEGER NOT NULL,
  committed INTEGER NOT NULL,
  -- Counted in the rollups only.
  sampled_out INTEGER NOT NULL,
  dead_lettered INTEGER NOT NULL,
  last_committed_at INTEGER NOT NULL,
  PRIMARY KEY (source)
);
CREATE INDEX IF NOT EXISTS log_sources_committed ON log_sources (last_committed_at);

INSERT OR IGNORE INTO log_sources (source, edge, last_sequence, committed, sampled_out, dead_lettered, last_committed_at)
SELECT source, MAX(edge), MAX(first_sequence + event_count - 1), SUM(event_count) - SUM(dead_lettered), 0, SUM(dead_lettered), MAX(committed_at)
FROM log_batches GROUP BY source;

CREATE TABLE IF NOT EXISTS log_positions (
  topic TEXT NOT NULL,
  partition_id INTEGER NOT NULL,
  high_watermark INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (topic, partition_id)
);

CREATE TABLE IF NOT EXISTS log_dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  -- waiting, replay (asked for), refused (asked for in vain), replayed
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition_id INTEGER NOT NULL,
  record_offset INTEGER NOT NULL,
  -- '' and 0 where the record does not say whose it is.
  source TEXT NOT NULL,
  edge TEXT NOT NULL,
  first_sequence INTEGER NOT NULL,
  event_count INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  lettered_at INTEGER NOT NULL,
  settled_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS log_dead_letters_by_state ON log_dead_letters (state, id);
CREATE INDEX IF NOT EXISTS log_dead_letters_by_source ON log_dead_letters (source, first_sequence);
CREATE INDEX IF NOT EXISTS log_dead_letters_lettered ON log_dead_letters (lettered_at);
