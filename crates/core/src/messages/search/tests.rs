use super::*;
use crate::db::search_index::SEPARATOR;
use crate::testing::{Party, TestClock, acquainted, settle};

/// The texts that are found, newest first.
fn found(party: &Party, text: &str, conversation: Option<ConversationId>) -> Vec<String> {
    party.write(search_index::catch_up);
    let query = Query {
        text: text.to_owned(),
        conversation,
        before: None,
        limit: MAX_HITS,
    };
    let found = party.read(move |tx| find(tx, &query));
    let snippets = found.hits.into_iter().map(|hit| hit.snippet.text);
    snippets.collect()
}

fn marked(snippet: &Snippet) -> Vec<String> {
    let units: Vec<u16> = snippet.text.encode_utf16().collect();
    let cut = |mark: &Mark| String::from_utf16(&units[mark.start as usize..mark.end as usize]);
    snippet
        .marks
        .iter()
        .map(|mark| cut(mark).unwrap())
        .collect()
}

#[test]
fn what_was_written_and_received_is_found_as_one_types_newest_first() {
    let (mut alice, mut bob) = acquainted();
    alice.say(&bob, "Shall we meet on Thursday?");
    settle(&mut alice, &mut bob);
    bob.say(&alice, "Thursday is fine, THURSDAYS always are");
    settle(&mut alice, &mut bob);
    for party in [&alice, &bob] {
        for typed in ["th", "thurs", "thursday", "Thursday", " thu "] {
            assert_eq!(
                found(party, typed, None),
                [
                    "Thursday is fine, THURSDAYS always are",
                    "Shall we meet on Thursday?"
                ],
                "{typed}"
            );
        }
        assert_eq!(
            found(party, "meet thu", None),
            ["Shall we meet on Thursday?"]
        );
        // Only the last word may be unfinished, and every word must be there.
        assert_eq!(found(party, "mee thursday", None), [""; 0]);
        assert_eq!(found(party, "meet friday", None), [""; 0]);
    }
}

#[test]
fn case_accents_and_scripts_without_spaces_do_not_hide_anything() {
    let (alice, bob) = acquainted();
    for text in [
        "Un café à Orléans",
        "cafe\u{301} again",
        "Straße",
        "明日の会議は三時です",
        "ไปกินข้าวกัน",
        "회의실에서",
    ] {
        alice.say(&bob, text);
    }
    for (typed, expected) in [
        ("cafe", vec!["cafe\u{301} again", "Un café à Orléans"]),
        ("CAFÉ", vec!["cafe\u{301} again", "Un café à Orléans"]),
        ("orleans", vec!["Un café à Orléans"]),
        ("straße", vec!["Straße"]),
        ("会議", vec!["明日の会議は三時です"]),
        ("議会", vec![]),
        ("です", vec!["明日の会議は三時です"]),
        ("ข้าว", vec!["ไปกินข้าวกัน"]),
        ("의실", vec!["회의실에서"]),
    ] {
        assert_eq!(found(&alice, typed, None), expected, "{typed}");
    }
}

#[test]
fn a_search_in_one_conversation_finds_nothing_of_another() {
    let clock = TestClock::new();
    let (alice, bob, carol) = (
        Party::new("alice", &clock),
        Party::new("bob", &clock),
        Party::new("carol", &clock),
    );
    alice.say(&bob, "apples for bob");
    alice.say(&carol, "apples for carol");
    let id = |other: &Party| ConversationId::of(&alice.own.did, &other.own.did);
    assert_eq!(found(&alice, "apples", Some(id(&bob))), ["apples for bob"]);
    assert_eq!(
        found(&alice, "apples", Some(id(&carol))),
        ["apples for carol"]
    );
    assert_eq!(found(&alice, "apples", None).len(), 2);
    let nowhere = ConversationId::from_bytes([9; 32]);
    assert_eq!(found(&alice, "apples", Some(nowhere)), [""; 0]);
    // The mark of a conversation in the index is not something that was said.
    assert_eq!(found(&alice, "c1", None), [""; 0]);
}

#[test]
fn whatever_is_typed_is_no_query_language_and_no_failure() {
    let (alice, bob) = acquainted();
    alice.say(
        &bob,
        "say \"no\" to AND or NOT; place: c1 (text) * ^ - + {x} 100%",
    );
    for typed in [
        "",
        "   ",
        "!?",
        "🙂",
        "\"",
        "\"\"\"",
        "\0",
        "*",
        "(",
        "' OR 1=1 --",
        "NEAR(",
        "\u{1c}",
    ] {
        let _ = found(&alice, typed, None);
    }
    for typed in ["", " \t\n", "!?…", "🙂🙂", "\"", "\0\0", "*"] {
        assert_eq!(found(&alice, typed, None), [""; 0], "{typed:?}");
    }
    for typed in [
        "\"no", "no\"", "AND", "not;", "place:c1", "(text)", "{x}", "100%", "say\0", "no*",
    ] {
        assert_eq!(found(&alice, typed, None).len(), 1, "{typed:?}");
    }
    for long in [
        "a".repeat(3_000_000),
        "ab ".repeat(1_000_000),
        "\"".repeat(1_000_000),
        "会".repeat(1_000_000),
    ] {
        assert_eq!(found(&alice, &long, None), [""; 0]);
    }
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let (alice, bob) = acquainted();
    let written: Vec<i64> = (0..7)
        .map(|n| alice.say(&bob, &format!("page {n}")))
        .collect();
    alice.write(search_index::catch_up);
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let query = Query {
            text: "pag".into(),
            conversation: None,
            before,
            limit: 3,
        };
        let page = alice.read(move |tx| find(tx, &query));
        assert!(page.hits.len() <= 3);
        seen.extend(page.hits.iter().map(|hit| hit.message));
        before = page.more;
        if before.is_none() {
            break;
        }
    }
    seen.reverse();
    assert_eq!(seen, written);
}

#[test]
fn an_edited_message_is_found_by_its_new_text_and_a_deleted_one_not_at_all() {
    let (alice, bob) = acquainted();
    // Once while it waits to be noted, once when it is in the index.
    for noted in [false, true] {
        let id = alice.say(&bob, "a first thought");
        let removed = alice.say(&bob, "a thought to remove");
        if noted {
            alice.write(search_index::catch_up);
        }
        alice.write(move |tx| {
            tx.execute(
                "UPDATE message SET text = 'a second idea' WHERE id = ?1",
                [id],
            )?;
            tx.execute("UPDATE message SET text = NULL WHERE id = ?1", [removed])?;
            Ok::<_, DbError>(())
        });
        assert_eq!(found(&alice, "thought", None), [""; 0]);
        assert_eq!(found(&alice, "idea", None), ["a second idea"]);
        alice.write(move |tx| {
            tx.execute("DELETE FROM outbox", [])?;
            tx.execute("DELETE FROM message WHERE id IN (?1, ?2)", [id, removed])?;
            Ok::<_, DbError>(())
        });
        assert_eq!(found(&alice, "idea", None), [""; 0]);
    }
    alice.write(|tx| {
        let check =
            "INSERT INTO message_search (message_search, rank) VALUES ('integrity-check', 1)";
        Ok::<_, DbError>(tx.execute(check, [])?)
    });
}

#[test]
fn many_messages_are_noted_without_a_search() {
    let (alice, bob) = acquainted();
    let id = alice.start(&bob);
    alice.write(move |tx| {
        (0..300)
            .try_for_each(|n| crate::messages::compose::text(tx, &id, &format!("n {n}")).map(drop))
    });
    assert_eq!(alice.count("SELECT count(*) FROM search_due"), 0);
    assert_eq!(found(&alice, "299", None), ["n 299"]);
}

#[test]
fn a_snippet_marks_what_was_found_in_the_units_of_javascript() {
    let (alice, bob) = acquainted();
    alice.say(&bob, "🙂 one\nline, two 会議室 and more");
    let far = format!("{} needle {}", "hay ".repeat(300), "straw ".repeat(300));
    alice.say(&bob, &far);
    alice.say(&bob, &format!("{}終{}", "長".repeat(500), "文".repeat(500)));
    alice.say(
        &bob,
        &format!("mark {OPEN}this{CLOSE}{SEPARATOR} {}", "x".repeat(4000)),
    );
    alice.write(search_index::catch_up);
    let snippet = |text: &str| {
        let query = Query {
            text: text.into(),
            conversation: None,
            before: None,
            limit: 1,
        };
        alice
            .read(move |tx| find(tx, &query))
            .hits
            .remove(0)
            .snippet
    };
    let short = snippet("line tw");
    assert_eq!(short.text, "🙂 one line, two 会議室 and more");
    assert_eq!(marked(&short), ["line", "two"]);
    assert_eq!(marked(&snippet("会議")), ["会議"]);
    let far = snippet("needle");
    assert_eq!(marked(&far), ["needle"]);
    assert!(far.text.chars().count() <= LENGTH_SHOWN && far.text.starts_with('…'));
    let dense = snippet("終");
    assert_eq!(marked(&dense), ["終"]);
    assert!(dense.text.chars().count() <= LENGTH_SHOWN);
    let odd = snippet("mark");
    assert_eq!(marked(&odd), ["mark"]);
    assert!(odd.text.chars().count() <= LENGTH_SHOWN);
}

const LENGTH_SHOWN: usize = 162;
