-- What tokens cost goes by the model that was sent and by whose it is.
ALTER TABLE request_rollups ADD COLUMN channel TEXT NOT NULL DEFAULT '';
ALTER TABLE request_rollups ADD COLUMN model_sent TEXT NOT NULL DEFAULT '';

-- Failed requests by cause, additive like request_rollups. An empty class: the upstream's answer went through as it was.
CREATE TABLE IF NOT EXISTS error_rollups (
  span INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  dims BLOB NOT NULL,
  group_id INTEGER NOT NULL,
  member_group_id INTEGER NOT NULL,
  access_key_id INTEGER NOT NULL,
  model TEXT NOT NULL,
  upstream TEXT NOT NULL,
  status INTEGER NOT NULL,
  error_class TEXT NOT NULL,
  error_code TEXT NOT NULL,
  requests INTEGER NOT NULL,
  PRIMARY KEY (span, bucket, dims)
);
