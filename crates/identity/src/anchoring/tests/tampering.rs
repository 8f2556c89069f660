//! A PDS that signs something else than what it is asked to sign.

use super::*;

fn list<'a>(operation: &'a mut Value, name: &str) -> &'a mut Vec<Value> {
    operation[name].as_array_mut().unwrap()
}

fn map<'a>(operation: &'a mut Value, name: &str) -> &'a mut serde_json::Map<String, Value> {
    operation[name].as_object_mut().unwrap()
}

#[tokio::test]
async fn a_pds_that_signs_something_else_is_caught_before_it_is_submitted() {
    let tampers: [fn(&mut Value); 13] = [
        |it| list(it, "rotationKeys").push(json!("did:key:zQ3shEvil")),
        |it| list(it, "rotationKeys").reverse(),
        |it| drop(list(it, "rotationKeys").remove(0)),
        |it| drop(map(it, "services").remove("labeler")),
        |it| it["services"]["atproto_pds"]["endpoint"] = json!("https://evil.example"),
        |it| drop(map(it, "verificationMethods").remove("other")),
        |it| drop(map(it, "verificationMethods").remove("e2ee")),
        |it| it["verificationMethods"]["e2ee"] = json!(key(9).to_did_key()),
        |it| it["verificationMethods"]["more"] = json!(key(9).to_did_key()),
        |it| drop(list(it, "alsoKnownAs").pop()),
        |it| it["more"] = json!(1),
        |it| it["prev"] = Value::Null,
        |it| *it = json!({"type": "plc_tombstone", "prev": it["prev"], "sig": "s"}),
    ];
    for (index, tamper) in tampers.into_iter().enumerate() {
        let double = Double::new().with(|state| state.tamper = tamper);
        let outcome = double.permission().await.anchor(Some(&key(1)), CODE).await;
        assert_eq!(outcome, Err(AnchoringError::SignedOther), "{index}");
        assert_eq!(double.last(), operation(), "{index}");
        assert!(double.posted("submitPlcOperation").is_empty(), "{index}");
    }
}

#[tokio::test]
async fn an_operation_for_another_place_in_the_log_is_not_submitted() {
    let made_up: fn(&mut Value) = |it| it["prev"] = json!("bafyreimadeup");
    let double = Double::new().with(|state| state.tamper = made_up);
    let outcome = double.permission().await.anchor(Some(&key(1)), CODE).await;
    assert_eq!(outcome, Err(AnchoringError::SignedOther));

    // Someone else was faster, and the PDS saw that operation.
    let newer = || {
        let mut newer = operation();
        newer["sig"] = json!("newer");
        newer
    };
    let follows: fn(&mut Value) = |it| {
        let mut newer = operation();
        newer["sig"] = json!("newer");
        it["prev"] = json!(operation::cid(&newer));
    };
    let double = Double::new().with(|state| {
        state.tamper = follows;
        state.meanwhile = Some(newer());
    });
    let outcome = double.permission().await.anchor(Some(&key(1)), CODE).await;
    assert_eq!(outcome, Err(AnchoringError::Changed));
    assert!(outcome.unwrap_err().keeps_permission());
    assert_eq!(double.last(), newer());
}
