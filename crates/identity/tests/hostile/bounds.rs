//! Answers without end: too many bytes, and too few of them.

use std::time::Duration;

use ipld_core::ipld::Ipld;
use sotto_identity::http::{Http, HttpError, Request, WebClient};
use sotto_wire::did::Did;
use tokio::time::Instant;
use url::Url;

use crate::account::{Account, DOCUMENT, NOW, RECORD, network};
use crate::server::{Answer, Server};

/// What the largest bound (a proof, 2 MiB) and the buffers of a connection may hold.
const MAX_TAKEN: usize = 16 << 20;
const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
/// The time limit of a request, and a little for what comes before and after it.
const LIMIT: Duration = Duration::from_secs(16);

/// What verifying an account ends with whose `path` answers like this.
async fn verifying(path: &str, answer: Answer) -> (Account, &'static str) {
    let account = Account::new(1).await;
    account.publish();
    account.server.answer(path, answer);
    let code = account.verify(None).await.unwrap_err().code();
    (account, code)
}

#[tokio::test]
async fn a_gigabyte_is_cut_at_the_bound() {
    for answer in [Answer::Gigabyte, Answer::EndlessChunks] {
        for (path, expected) in [
            (DOCUMENT, "did.unresolvable"),
            (RECORD, "account.bad_proof"),
        ] {
            let (account, code) = verifying(path, answer.clone()).await;
            assert_eq!(code, expected);
            let taken = account.server.written();
            assert!(taken < MAX_TAKEN, "{taken} bytes were taken");
        }
    }
}

#[tokio::test]
async fn a_header_ends_as_well() {
    for (path, expected) in [(DOCUMENT, "did.unreachable"), (RECORD, "pds.unreachable")] {
        let (account, code) = verifying(path, Answer::EndlessHeader).await;
        assert_eq!(code, expected);
        let taken = account.server.written();
        assert!(taken < MAX_TAKEN, "{taken} bytes were taken");
    }
}

#[tokio::test]
async fn redirects_end() {
    for (path, expected) in [
        (DOCUMENT, "did.unresolvable"),
        (RECORD, "account.bad_proof"),
    ] {
        let (account, code) = verifying(path, Answer::Redirect(path.to_owned())).await;
        assert_eq!(code, expected);
        let again = account.server.asked().into_iter().filter(|it| it == path);
        assert_eq!(again.count(), 4, "the request and three redirects");
    }
}

/// A field that nobody knows is passed over, but not at any length.
#[tokio::test]
async fn a_record_of_many_small_values_is_not_read() {
    for (values, expected) in [(200_000, None), (300_000, Some("account.bad_proof"))] {
        let mut account = Account::new(1).await;
        let many = Ipld::List(vec![Ipld::Integer(0); values]);
        account.record.insert("later".to_owned(), many);
        account.publish();
        let outcome = account.verify(None).await;
        assert_eq!(outcome.err().map(|error| error.code()), expected);
    }
}

/// With the time of the test: it passes as soon as everybody waits.
#[tokio::test(start_paused = true)]
async fn a_byte_a_second_ends_by_the_time_limit() {
    for answer in [Answer::Drip, Answer::Silence] {
        for (path, expected) in [(DOCUMENT, "did.unreachable"), (RECORD, "pds.unreachable")] {
            let start = Instant::now();
            let (_, code) = verifying(path, answer.clone()).await;
            assert_eq!(code, expected);
            assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
        }
    }
}

/// With real time.
#[tokio::test]
async fn the_limit_is_for_the_whole_answer() {
    let server = Server::start().await;
    server.answer("/", Answer::Drip);
    let mut request = Request::get(Url::parse(&server.url()).unwrap(), 1000);
    request.timeout = Duration::from_millis(2500);
    let start = Instant::now();
    let outcome = WebClient::new(true).unwrap().send(request).await;
    assert_eq!(outcome.unwrap_err(), HttpError::Unreachable);
    let elapsed = start.elapsed();
    assert!(server.written() > 40, "the answer had begun");
    assert!(elapsed >= Duration::from_millis(2500) && elapsed < Duration::from_secs(10));
}

/// Which of the directory's answers is read first is not this test's business: all of them end so.
#[tokio::test(start_paused = true)]
async fn a_directory_is_bounded_like_everybody_else() {
    let did = Did::parse(DID).unwrap();
    let answers = [
        Answer::Gigabyte,
        Answer::EndlessChunks,
        Answer::EndlessHeader,
        Answer::Drip,
        Answer::Silence,
        Answer::Whole(200, vec![b'['; 60_000]),
        Answer::Redirect("http://10.0.0.1/".to_owned()),
    ];
    for answer in answers {
        let server = Server::start().await;
        for path in ["", "/log", "/log/audit", "/log/last", "/data"] {
            server.answer(&format!("/{DID}{path}"), answer.clone());
        }
        let start = Instant::now();
        let outcome = network(&server).verify_account(&did, None, NOW).await;
        let code = outcome.unwrap_err().code();
        assert!(
            [
                "plc.unreachable",
                "plc.too_large",
                "plc.malformed",
                "did.forbidden"
            ]
            .contains(&code),
            "{code}"
        );
        assert!(start.elapsed() < 2 * LIMIT, "{:?}", start.elapsed());
        assert!(server.written() < MAX_TAKEN, "{}", server.written());
    }
}
