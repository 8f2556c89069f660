//! What the directory may say before anything is asked for.

use super::*;

#[tokio::test]
async fn what_is_so_already_needs_no_code() {
    let double = Double::new().with(|state| state.last = with_e2ee(Some(&key(1))));
    let network = double.network();
    assert_eq!(
        network.is_anchoring_due(&did(), Some(&key(1)), NOW).await,
        Ok(false)
    );
    assert_eq!(
        network.is_anchoring_due(&did(), Some(&key(2)), NOW).await,
        Ok(true)
    );
    assert_eq!(network.is_anchoring_due(&did(), None, NOW).await, Ok(true));
    double
        .permission()
        .await
        .anchor(Some(&key(1)), "")
        .await
        .unwrap();
    assert!(double.posted("signPlcOperation").is_empty());
}

#[tokio::test]
async fn limits_of_the_directory_are_kept_before_anyone_is_asked() {
    let crowded = |count: usize| {
        let mut last = operation();
        for index in 0..count - 2 {
            last["verificationMethods"][format!("m{index}")] = json!("did:key:z6Mkm");
        }
        Double::new().with(|state| state.last = last).network()
    };
    let due = async |network: Network| network.is_anchoring_due(&did(), Some(&key(1)), NOW).await;
    assert_eq!(due(crowded(9)).await, Ok(true));
    assert_eq!(due(crowded(10)).await, Err(AnchoringError::TooManyMethods));
    assert_eq!(
        crowded(10).is_anchoring_due(&did(), None, NOW).await,
        Ok(false)
    );

    let long = |letters: usize| {
        let mut last = operation();
        last["alsoKnownAs"] = json!(["at://alice.example.com", "x".repeat(letters)]);
        last
    };
    // What will be signed: the key in it, the CID of this one, a signature.
    let mut next = long(3000);
    next["verificationMethods"]["e2ee"] = json!(key(1).to_did_key());
    next["prev"] = json!(operation::cid(&operation()));
    next["sig"] = json!("s".repeat(86));
    let size = serde_ipld_dagcbor::to_vec(&next).unwrap().len();
    let largest = 3000 + 4000 - size;
    for (letters, expected) in [
        (largest, Ok(true)),
        (largest + 1, Err(AnchoringError::TooLarge)),
    ] {
        let network = Double::new()
            .with(|state| state.last = long(letters))
            .network();
        assert_eq!(due(network).await, expected, "{letters}");
    }
}

#[tokio::test]
async fn a_log_that_takes_no_more_now_is_not_tried() {
    let log = vec![json!({"createdAt": NOW.rfc3339()}); 10];
    let log: &'static str = Value::from(log).to_string().leak();
    let double = Double::new().with(|state| state.instead.push(("/log/audit", 200, log)));
    let due = double
        .network()
        .is_anchoring_due(&did(), Some(&key(1)), NOW)
        .await;
    assert_eq!(due, Err(AnchoringError::RateLimited));
    let later = NOW.plus(3601);
    let due = double
        .network()
        .is_anchoring_due(&did(), Some(&key(1)), later)
        .await;
    assert_eq!(due, Ok(true));
}

#[tokio::test]
async fn a_log_that_is_not_understood_is_left_alone() {
    let unresolvable = AnchoringError::Document(DocumentError::Unresolvable);
    let mut more = operation();
    more["more"] = json!("field");
    let mut without = operation();
    without.as_object_mut().unwrap().remove("services");
    let tombstone = json!({"type": "plc_tombstone", "prev": "x", "sig": "s"});
    for last in [
        more,
        without,
        tombstone,
        json!([]),
        json!({"type": "plc_new"}),
    ] {
        let network = Double::new()
            .with(|state| state.last = last.clone())
            .network();
        let outcome = network.is_anchoring_due(&did(), Some(&key(1)), NOW).await;
        assert_eq!(outcome, Err(unresolvable), "{last}");
    }
    for (status, body, expected) in [
        (0, "", DocumentError::PlcUnreachable),
        (503, "", DocumentError::PlcUnreachable),
        (404, "{}", DocumentError::Unresolvable),
        (200, "<html>", DocumentError::Unresolvable),
    ] {
        let double = Double::new().with(|state| state.instead.push(("/log/last", status, body)));
        let outcome = double.network().is_anchoring_due(&did(), None, NOW).await;
        assert_eq!(outcome, Err(AnchoringError::Document(expected)), "{status}");
    }
    let web = Did::parse("did:web:alice.example").unwrap();
    let outcome = Double::new()
        .network()
        .is_anchoring_due(&web, None, NOW)
        .await;
    assert_eq!(outcome, Err(AnchoringError::NotPlc));
}
