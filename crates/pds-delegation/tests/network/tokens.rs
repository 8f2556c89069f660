//! Whom the procedures believe.

use serde_json::{Value, json};
use sotto_wire::key::SigningKey;
use sotto_wire::pds_api::{CREATE, DELETE, UPDATE};
use sotto_wire::time::{Clock as _, SystemClock};

use crate::account::Account;
use crate::fixture::{client, log_of, post, service_over, upstream};

async fn outcome(account: &Account, token: Option<&str>) -> (u16, String) {
    let input = json!({"record": account.record(&SigningKey::from_seed(&[1; 32]), 1, &[])});
    let (status, body) = post(account.xrpc(CREATE).into(), token, &input).await;
    let name = body["error"].as_str().unwrap_or_default().to_owned();
    (status, name)
}

#[tokio::test]
async fn tokens_that_do_not_hold_change_nothing() {
    let account = Account::new("tokens", 0).await;
    let elsewhere = Account::new("tokens-b", 1).await;
    let good = account.token(CREATE).await;
    let (message, signature) = good.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let flipped = format!("{first}{}", &signature[1..]);
    let other_service = account.audience().replace("sotto_delegation", "other");
    let pds = account.audience().replace("#sotto_delegation", "");
    let soon = SystemClock.now().plus(3600 - 30).0;
    for (token, name) in [
        ("x.y.z".to_owned(), "BadJwt"),
        (account.access.clone(), "BadJwt"),
        (message.to_owned(), "BadJwt"),
        (format!("{message}.{flipped}"), "BadJwtSignature"),
        (account.token(UPDATE).await, "BadJwtLexiconMethod"),
        (account.token(DELETE).await, "BadJwtLexiconMethod"),
        (
            account.token_for(&other_service, CREATE, None).await,
            "BadJwtAudience",
        ),
        (
            account.token_for(&pds, CREATE, None).await,
            "BadJwtAudience",
        ),
        (elsewhere.token(CREATE).await, "BadJwtAudience"),
        (
            elsewhere.token_for(&account.audience(), CREATE, None).await,
            "NotHosted",
        ),
        (
            account
                .token_for(&account.audience(), CREATE, Some(soon))
                .await,
            "BadJwt",
        ),
    ] {
        let refused = outcome(&account, Some(&token)).await;
        assert_eq!(
            refused,
            if name == "NotHosted" {
                (400, name.to_owned())
            } else {
                (401, name.to_owned())
            }
        );
    }
    assert_eq!(
        outcome(&account, None).await,
        (401, "AuthenticationRequired".to_owned())
    );
    let dpop = client()
        .post(account.xrpc(CREATE))
        .header("authorization", format!("DPoP {good}"))
        .header("content-type", "application/json")
        .body(json!({"record": Value::Null}).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(dpop.status(), 401);
    assert_eq!(log_of(&account.did).await.len(), 1);
    assert_eq!(account.delegation().await.record, None);

    assert_eq!(outcome(&account, Some(&good)).await.0, 200);
}

#[tokio::test]
async fn a_token_works_once() {
    let account = Account::new("replayer", 0).await;
    let token = account.token(CREATE).await;
    assert_eq!(outcome(&account, Some(&token)).await.0, 200);
    assert_eq!(
        outcome(&account, Some(&token)).await,
        (401, "JwtReplayed".to_owned())
    );
}

#[tokio::test]
async fn a_token_ends() {
    let account = Account::new("latecomer", 0).await;
    let exp = SystemClock.now().plus(1).0;
    let token = account
        .token_for(&account.audience(), CREATE, Some(exp))
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    assert_eq!(
        outcome(&account, Some(&token)).await,
        (401, "JwtExpired".to_owned())
    );
}

#[tokio::test]
async fn a_token_of_one_account_is_not_for_another() {
    let (one, other) = (
        Account::new("one", 0).await,
        Account::new("another", 0).await,
    );
    // The record of `one`, the token of `other`.
    let input = json!({"record": one.record(&SigningKey::from_seed(&[1; 32]), 1, &[])});
    let token = other.token(CREATE).await;
    let (_, body) = post(one.xrpc(CREATE).into(), Some(&token), &input).await;
    assert_eq!(body["error"], "InvalidClaim");
}

/// A service remembers the tokens it has seen in memory only.
#[tokio::test]
async fn a_token_from_before_the_start_is_refused() {
    let account = Account::new("early", 0).await;
    let token = account.token(CREATE).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let service = service_over(&upstream(0));
    let input = json!({"record": account.record(&SigningKey::from_seed(&[1; 32]), 1, &[])});
    let url = service.join(&format!("xrpc/{CREATE}")).unwrap();
    let (status, body) = post(url.into(), Some(&token), &input).await;
    assert_eq!((status, &body["error"]), (401, &json!("JwtExpired")));
    // Its own tokens it takes.
    assert_eq!(account.call_at(&service, CREATE, &input).await.0, 200);
}
