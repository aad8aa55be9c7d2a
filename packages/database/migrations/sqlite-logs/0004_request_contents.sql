-- What was sent and answered, of groups that record it: redacted and cut at the edge, found by the request's id, removed
-- after content_log_retention_days. A type that is NULL: that body was not recorded.
CREATE TABLE IF NOT EXISTS request_contents (
  stored_on INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  request_type TEXT NULL,
  request_text TEXT NOT NULL,
  request_cut INTEGER NOT NULL,
  -- Why there is no text: binary, encoding
  request_omitted TEXT NOT NULL,
  response_type TEXT NULL,
  response_text TEXT NOT NULL,
  response_cut INTEGER NOT NULL,
  response_omitted TEXT NOT NULL,
  PRIMARY KEY (request_id, stored_on)
);
CREATE INDEX IF NOT EXISTS request_contents_stored ON request_contents (stored_on);
