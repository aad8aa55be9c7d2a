-- Keys that are out by the class of their cause, maintained as group_key_counts is.
CREATE TABLE IF NOT EXISTS "group_cause_counts" (
  group_id INTEGER NOT NULL,
  cause TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (group_id, cause)
) WITHOUT ROWID;
INSERT OR IGNORE INTO "group_cause_counts" (group_id, cause, count)
  SELECT group_id, cause_class, COUNT(*) FROM "provider_keys" WHERE state <> 'active' AND cause_class IS NOT NULL GROUP BY group_id, cause_class;
