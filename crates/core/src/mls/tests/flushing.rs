//! Sessions that store what changed once, for many messages.

use super::*;
use crate::mls::Commit;

#[test]
fn a_flush_stores_what_many_messages_changed() {
    let (alice, bob) = pair();
    let (id, key) = (group(&alice, &[&bob]), alice.own.device_key.clone());
    let sealed = alice.write(move |tx| {
        let mut session = Session::storing_at_flush(tx);
        let sealed = (0..10u8)
            .map(|n| session.seal(&id, &key, &[n]))
            .collect::<Result<Vec<_>, _>>()?;
        session.flush()?;
        Ok::<_, MlsError>(sealed)
    });
    let distinct: std::collections::HashSet<_> = sealed.iter().collect();
    assert_eq!(distinct.len(), 10);
    let opened = bob.write(move |tx| {
        let mut session = Session::storing_at_flush(tx);
        let mut opened = Vec::new();
        for bytes in &sealed {
            opened.push(session.open(Message::parse(bytes)?)?.payload);
        }
        session.flush()?;
        // What was flushed is what a new session finds: everything is used up.
        let mut later = Session::storing_each_time(tx);
        for bytes in &sealed {
            assert!(later.open(Message::parse(bytes)?).is_err());
        }
        Ok::<_, MlsError>(opened)
    });
    assert_eq!(opened, (0..10u8).map(|n| vec![n]).collect::<Vec<_>>());
}

#[test]
fn what_is_put_off_until_the_flush_includes_commits() {
    let (alice, bob) = pair();
    let id = group(&alice, &[&bob]);
    let (group, key) = (id.clone(), alice.own.device_key.clone());
    let made = alice.write(move |tx| {
        let mut session = Session::storing_at_flush(tx);
        let mut made = Vec::new();
        for n in 0..8u8 {
            let commit = session.commit(&group, &key, &[])?.bytes;
            made.push((commit, session.seal(&group, &key, &[n])?));
        }
        session.flush()?;
        Ok::<_, MlsError>(made)
    });
    let own = epoch_of_party(&alice, &id);
    let followed = bob.write(move |tx| {
        let mut session = Session::storing_at_flush(tx);
        // The last five epochs but one are read after the last commit: nothing that was overtaken is lost.
        for (commit, _) in &made {
            session.follow(Commit::parse(commit)?, None, &[])?;
        }
        session.flush()?;
        let mut later = Session::storing_each_time(tx);
        let read = made
            .iter()
            .map(|(_, message)| Ok(later.open(Message::parse(message)?).is_ok()))
            .collect::<Result<Vec<bool>, MlsError>>()?;
        Ok::<_, MlsError>(read)
    });
    let mut expected = vec![false; 8];
    expected[2..].fill(true);
    assert_eq!(followed, expected, "the present epoch and five before it");
    assert_eq!(epoch_of_party(&bob, &id), own);
    // The secrets of the epochs that ended are there, and only those.
    let stored = alice.count("SELECT count(*) FROM openmls_psks");
    assert_eq!(stored, 8);
    let group = id.clone();
    alice.write(move |tx| {
        for epoch in 1..9 {
            crate::mls::forget_secret(tx, &group, epoch)?;
        }
        Ok::<_, MlsError>(())
    });
    assert_eq!(alice.count("SELECT count(*) FROM openmls_psks"), 0);
}
