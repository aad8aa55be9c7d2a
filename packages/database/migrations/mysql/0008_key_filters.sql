-- By what keys are found besides their state.
ALTER TABLE provider_keys ADD COLUMN cause_class VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin GENERATED ALWAYS AS (CASE WHEN cause = '' THEN NULL ELSE JSON_VALUE(cause, '$.class') END) VIRTUAL;
ALTER TABLE provider_keys ADD COLUMN suffix VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin GENERATED ALWAYS AS (SUBSTRING_INDEX(hint, '…', -1)) VIRTUAL;
CREATE INDEX provider_keys_cause ON provider_keys (group_id, cause_class);
CREATE INDEX provider_keys_suffix ON provider_keys (group_id, suffix);
CREATE INDEX provider_keys_note ON provider_keys (group_id, note);
