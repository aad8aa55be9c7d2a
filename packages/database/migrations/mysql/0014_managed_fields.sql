-- Which fields of an object its configuration file names: JSON with the owner that named them.
ALTER TABLE `groups` ADD COLUMN managed_fields TEXT NULL;
ALTER TABLE access_keys ADD COLUMN managed_fields TEXT NULL;
