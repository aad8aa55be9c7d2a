-- By what keys are found besides their state. Of a million keys most have no cause: they take no room in its index.
ALTER TABLE "provider_keys" ADD COLUMN cause_class TEXT GENERATED ALWAYS AS (CASE WHEN cause = '' THEN NULL ELSE json_extract(cause, '$.class') END) VIRTUAL;
ALTER TABLE "provider_keys" ADD COLUMN suffix TEXT GENERATED ALWAYS AS (substr(hint, instr(hint, '…') + 1)) VIRTUAL;
CREATE INDEX IF NOT EXISTS provider_keys_cause ON "provider_keys" (group_id, cause_class) WHERE cause_class IS NOT NULL;
CREATE INDEX IF NOT EXISTS provider_keys_suffix ON "provider_keys" (group_id, suffix);
CREATE INDEX IF NOT EXISTS provider_keys_note ON "provider_keys" (group_id, note) WHERE note <> '';
