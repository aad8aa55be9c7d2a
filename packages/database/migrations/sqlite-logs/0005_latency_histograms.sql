-- Latency as one row per span, bucket and scope: counts by metric * 256 + bin, as a JSON object. A row per bin cost a request sixteen
-- upserts.
CREATE TABLE IF NOT EXISTS latency_histograms (
  span INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  dims BLOB NOT NULL,
  counts TEXT NOT NULL,
  PRIMARY KEY (span, bucket, dims)
);

INSERT OR IGNORE INTO latency_histograms (span, bucket, dims, counts)
SELECT span, bucket, dims, json_group_object(metric * 256 + bin, requests) FROM latency_rollups GROUP BY span, bucket, dims;

DELETE FROM latency_rollups;
