//! What is stored, in which form.

use super::*;

#[test]
fn stored_state_keeps_its_format() {
    // A change of the codec is a migration.
    let (alice, bob) = pair();
    alice.contact(&bob);
    let stored: (String, i64) = alice.read(|tx| {
        let sql = "SELECT hex(group_data), provider_version FROM openmls_group_data
                   WHERE data_type = 'own_leaf_index'";
        Ok(tx.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    });
    assert_eq!(stored, ("00".to_owned(), 1));
}

/// Puts the state of MLS back where the first schema had it.
const AS_IN_SCHEMA_1: &str = "
    CREATE TABLE mls_state (
      id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, owner BLOB NOT NULL, item BLOB NOT NULL,
      value BLOB NOT NULL, UNIQUE (owner, kind, item)) STRICT;
    INSERT INTO mls_state (kind, owner, item, value)
    SELECT CASE data_type
        WHEN 'join_group_config' THEN 1 WHEN 'tree' THEN 4 WHEN 'interim_transcript_hash' THEN 5
        WHEN 'context' THEN 6 WHEN 'confirmation_tag' THEN 7 WHEN 'group_state' THEN 8
        WHEN 'message_secrets' THEN 9 WHEN 'resumption_psk_store' THEN 10
        WHEN 'own_leaf_index' THEN 11 WHEN 'group_epoch_secrets' THEN 12 END,
      group_id, x'', group_data FROM openmls_group_data;
    INSERT INTO mls_state (kind, owner, item, value)
    SELECT 15, group_id,
      unhex(hex(epoch_id) || CASE leaf_index WHEN 0 THEN '00000000' WHEN 1 THEN '00000001' END),
      key_pairs FROM openmls_epoch_keys_pairs;
    INSERT INTO mls_state (kind, owner, item, value)
    SELECT 16, key_package_ref, x'', key_package FROM openmls_key_packages;
    INSERT INTO mls_state (kind, owner, item, value)
    SELECT 14, public_key, x'', key_pair FROM openmls_encryption_keys;
    DELETE FROM openmls_group_data; DELETE FROM openmls_epoch_keys_pairs;
    DELETE FROM openmls_key_packages; DELETE FROM openmls_encryption_keys;";

#[test]
fn state_of_the_first_schema_is_taken_over() {
    let (mut alice, mut bob) = acquainted();
    // A key package that is still to be used, and a group that is still to be joined.
    let clock = std::sync::Arc::clone(&alice.clock);
    let mut carol = Party::new("carol", &clock);
    let package = bob.key_package();
    for party in [&mut alice, &mut bob] {
        party.write(|tx| {
            tx.execute_batch(AS_IN_SCHEMA_1)?;
            let migration = include_str!("../../db/schema/002_openmls_storage.sql");
            Ok::<_, DbError>(tx.execute_batch(migration)?)
        });
        party.reopen();
    }
    carol.contact_with(&bob, package);
    carol.say(&bob, "from carol");
    alice.say(&bob, "from alice");
    bob.say(&alice, "from bob");
    settle(&mut alice, &mut bob);
    settle(&mut carol, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "from bob", "from alice"]);
    assert_eq!(alice.texts(&bob), ["hello", "from alice", "from bob"]);
    assert_eq!(bob.texts(&carol), ["from carol"]);
}
