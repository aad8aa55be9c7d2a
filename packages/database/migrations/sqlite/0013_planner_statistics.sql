-- Without statistics SQLite takes any index on group_id for better than 500 ids, and reads a group of a million keys for each chunk of
-- them. These describe a large group, whatever the database holds: plans stay the same, and nobody has to run ANALYZE. Numbers:
-- rows of the index, then rows per value of its first column, of its first two, …
ANALYZE sqlite_schema;

DELETE FROM sqlite_stat1 WHERE tbl = 'provider_keys';

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('provider_keys', 'provider_keys_hash', '1000000 1000000 1'),
  ('provider_keys', 'provider_keys_state', '1000000 1000000 1000 1'),
  ('provider_keys', 'provider_keys_due', '1000000 1000 10'),
  ('provider_keys', 'provider_keys_probe', '1000000 1000000 1000 10'),
  ('provider_keys', 'provider_keys_cause', '1000000 1000000 1000'),
  ('provider_keys', 'provider_keys_suffix', '1000000 1000000 10'),
  ('provider_keys', 'provider_keys_note', '1000000 1000000 1000');

ANALYZE sqlite_schema;
