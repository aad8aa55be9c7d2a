-- Own prices of tokens, US dollars per million; each holds from a day on (UTC).
CREATE TABLE IF NOT EXISTS model_prices (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  provider VARCHAR(20) NOT NULL,
  model VARCHAR(255) NOT NULL,
  effective_from VARCHAR(10) NOT NULL,
  input DOUBLE NOT NULL,
  cached DOUBLE NULL,
  output DOUBLE NOT NULL,
  UNIQUE KEY model_prices_version (provider, model, effective_from)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
