-- Which keys of a group are to be probed next, without looking at the others.
CREATE INDEX provider_keys_probe ON provider_keys (group_id, state, last_probe_at);
