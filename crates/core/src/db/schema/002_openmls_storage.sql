-- MLS state moves to the tables of openmls_sqlite_storage, whose own migrations have run before.
-- Keys and values are the same MessagePack.

INSERT INTO openmls_group_data (provider_version, group_id, data_type, group_data)
SELECT 1, owner,
  CASE kind
    WHEN 1 THEN 'join_group_config'
    WHEN 4 THEN 'tree'
    WHEN 5 THEN 'interim_transcript_hash'
    WHEN 6 THEN 'context'
    WHEN 7 THEN 'confirmation_tag'
    WHEN 8 THEN 'group_state'
    WHEN 9 THEN 'message_secrets'
    WHEN 10 THEN 'resumption_psk_store'
    WHEN 11 THEN 'own_leaf_index'
    WHEN 12 THEN 'group_epoch_secrets'
  END,
  value
FROM mls_state WHERE kind IN (1, 4, 5, 6, 7, 8, 9, 10, 11, 12);

INSERT INTO openmls_own_leaf_nodes (provider_version, group_id, leaf_node)
SELECT 1, owner, value FROM mls_state WHERE kind = 2 ORDER BY id;

INSERT INTO openmls_proposals (provider_version, group_id, proposal_ref, proposal)
SELECT 1, owner, item, value FROM mls_state WHERE kind = 3 ORDER BY id;

INSERT INTO openmls_signature_keys (provider_version, public_key, signature_key)
SELECT 1, owner, value FROM mls_state WHERE kind = 13;

INSERT INTO openmls_encryption_keys (provider_version, public_key, key_pair)
SELECT 1, owner, value FROM mls_state WHERE kind = 14;

-- The item is the epoch and, in its last four bytes, the leaf index, big endian; leaves beyond
-- the first byte do not exist in groups of two accounts.
INSERT INTO openmls_epoch_keys_pairs (provider_version, group_id, epoch_id, leaf_index, key_pairs)
SELECT 1, owner, substr(item, 1, length(item) - 4),
  instr('123456789abcdef', substr(lower(hex(item)), -1)) +
  16 * instr('123456789abcdef', substr(lower(hex(item)), -2, 1)),
  value
FROM mls_state WHERE kind = 15;

INSERT INTO openmls_key_packages (provider_version, key_package_ref, key_package)
SELECT 1, owner, value FROM mls_state WHERE kind = 16;

INSERT INTO openmls_psks (provider_version, psk_id, psk_bundle)
SELECT 1, owner, value FROM mls_state WHERE kind = 17;

DROP TABLE mls_state;
