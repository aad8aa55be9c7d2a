-- What a caller may take through an access key; 0 = no limit.
ALTER TABLE "access_keys" ADD COLUMN max_concurrent_requests INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "access_keys" ADD COLUMN max_requests_per_minute INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "access_keys" ADD COLUMN max_tokens_per_minute INTEGER NOT NULL DEFAULT 0;
