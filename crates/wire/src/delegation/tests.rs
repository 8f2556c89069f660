use super::*;
use crate::key::SigningKey;

fn record() -> DelegationRecord {
    DelegationRecord {
        key: SigningKey::from_seed(&[1; 32]).public(),
        domain: Domain::parse("relay.example").unwrap(),
        claim: vec![1, 2, 3, 4],
        succession: vec![vec![5], vec![]],
        incoming: Incoming::Following,
        created_at: "2026-11-23T09:46:00Z".into(),
    }
}

#[test]
fn round_trip() {
    let json = record().to_json();
    assert_eq!(json["claim"], json!({"$bytes": "AQIDBA"}));
    assert_eq!(DelegationRecord::from_json(&json), Ok(record()));
}

#[test]
fn padding_and_unknown_fields_are_accepted() {
    let mut json = record().to_json();
    json["claim"] = json!({"$bytes": "AQIDBA=="});
    json["later"] = json!(1);
    assert_eq!(DelegationRecord::from_json(&json), Ok(record()));
}

#[test]
fn a_record_without_successions_has_none() {
    let mut json = record().to_json();
    json.as_object_mut().unwrap().remove("succession");
    assert!(
        DelegationRecord::from_json(&json)
            .unwrap()
            .succession
            .is_empty()
    );
}

#[test]
fn names_the_field_that_is_wrong() {
    for (field, values) in [
        ("$type", vec![json!("chat.sotto.other"), json!(1)]),
        (
            "key",
            vec![json!(
                "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme"
            )],
        ),
        ("domain", vec![json!("https://relay.example"), json!("")]),
        (
            "claim",
            vec![
                json!("AQID"),
                json!({"$bytes": "A"}),
                json!({"$bytes": "AQID", "x": 1}),
            ],
        ),
        (
            "succession",
            vec![
                json!("x"),
                json!(["AQID"]),
                json!(vec![json!({"$bytes": ""}); 33]),
            ],
        ),
        ("incoming", vec![json!("all")]),
        ("createdAt", vec![json!(5), json!("x".repeat(65))]),
    ] {
        for value in values {
            let mut json = record().to_json();
            json[field] = value.clone();
            let refused = DelegationRecord::from_json(&json);
            assert_eq!(refused, Err(InvalidRecord(field)), "{value}");
        }
    }
    assert_eq!(
        DelegationRecord::from_json(&Value::Null),
        Err(InvalidRecord("$type"))
    );
}
