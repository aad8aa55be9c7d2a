-- Latency as one row per span, bucket and scope: counts by metric * 256 + bin, as a JSON object. A row per bin cost a request sixteen
-- upserts. latency_rollups stays for instances of the version before, until a later one drops it.
CREATE TABLE IF NOT EXISTS latency_histograms (
  span INT UNSIGNED NOT NULL,
  bucket BIGINT NOT NULL,
  dims BINARY(16) NOT NULL,
  counts TEXT CHARACTER SET ascii NOT NULL,
  PRIMARY KEY (span, bucket, dims)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO latency_histograms (span, bucket, dims, counts)
SELECT span, bucket, dims, JSON_OBJECTAGG(metric * 256 + bin, requests) FROM latency_rollups GROUP BY span, bucket, dims;
