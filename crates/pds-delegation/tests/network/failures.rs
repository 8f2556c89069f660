//! When one of the two changes fails.

use serde_json::{Value, json};
use sotto_identity::did_document::Anchor;
use sotto_wire::key::SigningKey;
use sotto_wire::pds_api::{CREATE, DELETE, UPDATE};

use crate::account::Account;
use crate::double::{Loses, way};
use crate::fixture::{
    anchor, control, get, log_of, mailed_token, plc, post, service_over, upstream,
};

/// The PDS that is paused; accounts of the others live on PDS 0.
const PAUSED: usize = 1;

fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&[byte; 32])
}

fn name(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn an_operation_that_is_refused_puts_the_record_back() {
    let account = Account::new("eager", 0).await;
    let mut cid = account.create(&key(1)).await;
    // The directory takes ten operations an hour; two are used.
    for seq in 2..10 {
        let input = json!({
            "record": account.record(&key(seq), seq.into(), &[]),
            "swapRecord": cid, "unendorsed": true,
        });
        let (status, body) = account.call(UPDATE, &input).await;
        assert_eq!(status, 200, "{body}");
        cid = body["cid"].as_str().unwrap().to_owned();
    }
    let before = account.delegation().await;
    let input = json!({
        "record": account.record(&key(10), 10, &[]), "swapRecord": cid, "unendorsed": true,
    });
    let refused = account.call(UPDATE, &input).await;
    assert_eq!(name(&refused), (502, "DocumentFailed"));
    let delete = account.call(DELETE, &json!({"swapRecord": cid})).await;
    assert_eq!(name(&delete), (502, "DocumentFailed"));
    let after = account.delegation().await;
    assert_eq!((after.cid, after.record), (before.cid, before.record));
    assert_eq!(after.document_key, before.document_key);
    assert_eq!(anchor(&account.did).await, Anchor::Key(key(9).public()));
}

#[tokio::test]
async fn an_operation_that_got_lost_is_completed_by_the_same_request() {
    let account = Account::new("patient", 0).await;
    let service = service_over(&way(upstream(0), Loses::Operations));
    let input = json!({"record": account.record(&key(1), 1, &[])});
    let half = account.call_at(&service, CREATE, &input).await;
    assert_eq!(name(&half), (502, "HalfDone"));
    assert!(account.delegation().await.record.is_some());
    assert_eq!(anchor(&account.did).await, Anchor::Absent);

    let (status, body) = account.call(CREATE, &input).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(anchor(&account.did).await, Anchor::Key(key(1).public()));

    let delete = json!({"swapRecord": body["cid"]});
    let half = account.call_at(&service, DELETE, &delete).await;
    assert_eq!(name(&half), (502, "HalfDone"));
    assert_eq!(anchor(&account.did).await, Anchor::Key(key(1).public()));
    assert_eq!(account.call(DELETE, &delete).await.0, 200);
    assert_eq!(anchor(&account.did).await, Anchor::Absent);
}

#[tokio::test]
async fn an_answer_that_got_lost_is_found_in_the_log() {
    let account = Account::new("assured", 0).await;
    let service = service_over(&way(upstream(0), Loses::Answers));
    let input = json!({"record": account.record(&key(1), 1, &[])});
    let (status, body) = account.call_at(&service, CREATE, &input).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(anchor(&account.did).await, Anchor::Key(key(1).public()));
    assert_eq!(log_of(&account.did).await.len(), 2);
}

/// The account takes its identity away from the PDS: no rotation key of the PDS any more.
pub(crate) async fn take_identity_away(account: &Account) {
    let xrpc = |method: &str| String::from(account.xrpc(&format!("com.atproto.identity.{method}")));
    let access = Some(account.access.as_str());
    let asked = post(xrpc("requestPlcOperationSignature"), access, &Value::Null).await;
    assert_eq!(asked.0, 200, "{}", asked.1);
    let input = json!({
        "token": mailed_token(&account.email).await,
        "rotationKeys": ["did:key:zQ3shXgWjVsCJsv9mBm6kVqFSjAnErMg3zG9CcyvmUCCaFRCr"],
    });
    let (status, signed) = post(xrpc("signPlcOperation"), access, &input).await;
    assert_eq!(status, 200, "{signed}");
    let submitted = post(
        format!("{}{}", plc(), account.did),
        None,
        &signed["operation"],
    )
    .await;
    assert_eq!(submitted.0, 200);
}

#[tokio::test]
async fn an_account_that_keeps_its_own_rotation_keys_is_left_alone() {
    let account = Account::new("sovereign", 0).await;
    take_identity_away(&account).await;
    let input = json!({"record": account.record(&key(1), 1, &[])});
    assert_eq!(account.refused(CREATE, &input).await, "DocumentNotManaged");
    assert_eq!(account.delegation().await.record, None);
    assert_eq!(log_of(&account.did).await.len(), 2);
}

#[tokio::test]
async fn a_pds_that_is_down_is_said_to_be() {
    let account = Account::new("sleeper", PAUSED).await;
    let input = json!({"record": account.record(&key(1), 1, &[])});
    let token = account.token(CREATE).await;
    control(&format!("/pds/{PAUSED}/pause"), json!({})).await;
    let called = post(account.xrpc(CREATE).into(), Some(&token), &input).await;
    let asked = get(format!(
        "{}?did={}",
        account.xrpc("chat.sotto.getDelegation"),
        account.did
    ))
    .await;
    let passed = get(account.xrpc("_health")).await;
    let alive = get(account.pds.join("healthz").unwrap()).await;
    control(&format!("/pds/{PAUSED}/resume"), json!({})).await;
    for answer in [&called, &asked, &passed] {
        assert_eq!(name(answer), (502, "UpstreamFailure"));
    }
    assert_eq!(alive.0, 200);
    assert_eq!(get(account.xrpc("_health")).await.0, 200);
    // The token was not spent.
    let again = post(account.xrpc(CREATE).into(), Some(&token), &input).await;
    assert_eq!(again.0, 200, "{}", again.1);
}
