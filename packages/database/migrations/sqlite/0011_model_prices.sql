-- Own prices of tokens, US dollars per million; each holds from a day on (UTC).
CREATE TABLE IF NOT EXISTS "model_prices" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  effective_from TEXT NOT NULL,
  input REAL NOT NULL,
  cached REAL,
  output REAL NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS model_prices_version ON "model_prices" (provider, model, effective_from);
