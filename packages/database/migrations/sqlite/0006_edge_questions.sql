-- Dry runs that edges are asked for; rows live for seconds.
CREATE TABLE IF NOT EXISTS "edge_questions" (
  id TEXT NOT NULL PRIMARY KEY,
  edge TEXT NOT NULL,
  request TEXT NOT NULL,
  explanation TEXT NULL,
  expires_at BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS edge_questions_expires ON "edge_questions" (expires_at);
