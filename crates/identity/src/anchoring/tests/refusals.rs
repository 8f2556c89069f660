//! What the PDS may answer.

use super::*;

#[tokio::test]
async fn refusals_are_told_apart() {
    let unreachable = AnchoringError::OAuth(OAuthError::Unreachable);
    let rejected = AnchoringError::OAuth(OAuthError::Rejected);
    let (sign, submit) = ("signPlcOperation", "submitPlcOperation");
    for (path, status, body, expected) in [
        (
            sign,
            400,
            r#"{"error": "ExpiredToken"}"#,
            AnchoringError::ExpiredCode,
        ),
        (
            sign,
            400,
            r#"{"error": "InvalidToken"}"#,
            AnchoringError::WrongCode,
        ),
        (sign, 400, "<html>", rejected),
        (sign, 200, "<html>", rejected),
        (
            sign,
            200,
            r#"{"operation": []}"#,
            AnchoringError::SignedOther,
        ),
        (
            sign,
            403,
            r#"{"error": "ScopeMissingError"}"#,
            AnchoringError::ScopeMissing,
        ),
        (sign, 429, "", AnchoringError::RateLimited),
        (sign, 502, "", unreachable),
        (sign, 0, "", unreachable),
        (submit, 400, "", rejected),
        (submit, 429, "", AnchoringError::RateLimited),
        (submit, 500, "", unreachable),
        (submit, 0, "", unreachable),
    ] {
        let double = Double::new().with(|state| state.instead.push((path, status, body)));
        let outcome = double.permission().await.anchor(Some(&key(1)), CODE).await;
        assert_eq!(outcome, Err(expected), "{path} {status} {body}");
        assert_eq!(double.last(), operation(), "{path} {status} {body}");
    }
    let request = "requestPlcOperationSignature";
    for (status, expected) in [
        (429, AnchoringError::RateLimited),
        (403, AnchoringError::ScopeMissing),
        (400, rejected),
        (0, unreachable),
    ] {
        let double = Double::new().with(|state| state.instead.push((request, status, "")));
        let outcome = double.permission().await.request_code().await;
        assert_eq!(outcome, Err(expected), "{status}");
    }
}

#[tokio::test]
async fn a_wrong_code_is_one_and_may_be_corrected() {
    let double = Double::new();
    let permission = double.permission().await;
    let long = "A".repeat(1000);
    for wrong in ["", "  ", "ABCDE-FGHIX", &long] {
        let outcome = permission.anchor(Some(&key(1)), wrong).await;
        assert_eq!(outcome, Err(AnchoringError::WrongCode), "{wrong}");
        assert!(outcome.unwrap_err().keeps_permission());
    }
    assert_eq!(
        double.posted("signPlcOperation").len(),
        1,
        "what cannot be one is not sent"
    );
    permission.anchor(Some(&key(1)), CODE).await.unwrap();
}

#[tokio::test]
async fn a_permission_that_was_given_up_is_over() {
    let double = Double::new();
    let permission = double.permission().await;
    permission.clone().end().await;
    let double = double.with(|state| {
        let refused = r#"{"error": "invalid_grant"}"#;
        state.instead.push(("signPlcOperation", 401, "{}"));
        state.instead.push(("/token", 400, refused));
    });
    let outcome = permission.anchor(Some(&key(1)), CODE).await;
    assert_eq!(outcome, Err(AnchoringError::PermissionEnded));
    assert_eq!(double.last(), operation());
}

#[tokio::test]
async fn only_what_the_directory_shows_counts() {
    let anchor =
        async |double: &Double| double.permission().await.anchor(Some(&key(1)), CODE).await;
    // It was taken, though the PDS stumbled afterwards.
    let stumbled = Double::new().with(|state| state.submitted = Submitted::Taken(500));
    assert_eq!(anchor(&stumbled).await, Ok(()));
    let lost = Double::new().with(|state| state.submitted = Submitted::Lost(200));
    assert_eq!(anchor(&lost).await, Err(AnchoringError::NotWritten));
    let failed = Double::new().with(|state| state.submitted = Submitted::Lost(500));
    let unreachable = AnchoringError::OAuth(OAuthError::Unreachable);
    assert_eq!(anchor(&failed).await, Err(unreachable));
    let other: fn(&mut Value) =
        |document| document["verificationMethod"] = json!([document["verificationMethod"][0]]);
    let unlike = Double::new().with(|state| state.document = other);
    assert_eq!(anchor(&unlike).await, Err(AnchoringError::NotWritten));
}
