//! What goes through, byte by byte, to a PDS that says what it got.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy counts only the test functions themselves as tests"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};
use sotto_pds_delegation::{PdsDelegation, RunningPdsDelegation, config};
use sotto_wire::time::SystemClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A PDS that answers every request with what it was.
async fn echo() -> SocketAddr {
    let answer = async |request: Request| {
        let (parts, body) = request.into_parts();
        let headers: Vec<_> = parts
            .headers
            .iter()
            .map(|(name, value)| json!([name.as_str(), value.to_str().unwrap()]))
            .collect();
        let body = axum::body::to_bytes(body, 10_000_000).await.unwrap();
        let seen = json!({
            "method": parts.method.as_str(), "uri": parts.uri.to_string(), "headers": headers,
            "length": body.len(),
        });
        Response::builder()
            .status(418)
            .header("x-kept", "yes")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .header("connection", "x-dropped")
            .header("x-dropped", "no")
            .body(Body::from(seen.to_string()))
            .unwrap()
    };
    // The first piece of the body is answered before the second has come.
    let talk = async |request: Request| Response::new(request.into_body());
    run(Router::new()
        .route("/talk", axum::routing::post(talk))
        .route("/silent", get(async || std::future::pending::<()>().await))
        .route(
            "/xrpc/com.atproto.sync.getRepoStatus",
            get(async || std::future::pending::<()>().await),
        )
        .fallback(answer))
    .await
}

async fn run(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn before(upstream: SocketAddr, changes: &[(&str, &str)]) -> RunningPdsDelegation {
    let upstream = format!("http://{upstream}");
    let key = "07".repeat(32);
    let variables = [
        ("PDS_JWT_SECRET", "secret"),
        ("PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX", &key),
        ("SOTTO_PDS_DELEGATION_PUBLIC_URL", "https://pds.example"),
        ("SOTTO_PDS_DELEGATION_LISTEN", "127.0.0.1:0"),
        ("SOTTO_PDS_DELEGATION_UPSTREAM", &upstream),
    ];
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables = variables.iter().chain(changes).map(owned);
    let config = config::load(None, variables).expect("a configuration");
    let service = PdsDelegation::start(config, Arc::new(SystemClock)).await;
    service.expect("the service starts")
}

/// Sends bytes, reads until the other side closes.
async fn exchange(service: &RunningPdsDelegation, request: &str) -> String {
    let mut stream = TcpStream::connect(service.addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(20), reading).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn seen(answer: &str) -> Value {
    let from = answer.find('{').expect("a body");
    serde_json::from_str(&answer[from..=answer.rfind('}').unwrap()]).unwrap()
}

fn header<'a>(seen: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = seen["headers"].as_array().unwrap();
    let named = headers.iter().filter(|header| header[0] == name);
    named.map(|header| header[1].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_request_arrives_as_it_was_sent() {
    let service = before(echo().await, &[]).await;
    let request = "PUT /xrpc/a%2Fb//../c?x=%20&y=1&y HTTP/1.1\r\nHost: alice.pds.example:8443\r\n\
        DPoP: proof\r\nAuthorization: DPoP token\r\nX-Forwarded-For: 203.0.113.9\r\n\
        Connection: close, X-Private\r\nX-Private: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\n\
        Proxy-Authorization: x\r\nContent-Length: 5\r\n\r\nhello";
    let answer = exchange(&service, request).await;
    assert!(answer.starts_with("HTTP/1.1 418 "), "{answer}");
    let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
    assert!(head.contains("x-kept: yes") && !head.contains("x-dropped"));
    assert!(
        head.contains("set-cookie: a=1\r\nset-cookie: b=2"),
        "{head}"
    );
    let seen = seen(&answer);
    assert_eq!(
        (&seen["method"], &seen["length"]),
        (&json!("PUT"), &json!(5))
    );
    assert_eq!(seen["uri"], "/xrpc/a%2Fb//../c?x=%20&y=1&y");
    assert_eq!(header(&seen, "host"), ["alice.pds.example:8443"]);
    assert_eq!(header(&seen, "dpop"), ["proof"]);
    assert_eq!(header(&seen, "authorization"), ["DPoP token"]);
    assert_eq!(header(&seen, "content-length"), ["5"]);
    assert_eq!(header(&seen, "x-forwarded-for"), ["203.0.113.9, 127.0.0.1"]);
    for gone in [
        "connection",
        "x-private",
        "te",
        "keep-alive",
        "proxy-authorization",
    ] {
        assert_eq!(header(&seen, gone), [""; 0], "{gone}");
    }
    service.shutdown().await;
}

#[tokio::test]
async fn bodies_keep_one_framing() {
    let service = before(echo().await, &[]).await;
    let chunked = "POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
        Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let both = chunked.replace("\r\n\r\n3", "\r\nContent-Length: 40\r\n\r\n3");
    for request in [chunked, &both] {
        let answer = exchange(&service, request).await;
        // Refused, or read as chunks; never by the other length.
        if answer.starts_with("HTTP/1.1 400") {
            assert_eq!(request, both);
            continue;
        }
        let seen = seen(&answer);
        assert_eq!(seen["length"], 3);
        assert_eq!(header(&seen, "content-length"), [""; 0]);
        assert_eq!(header(&seen, "transfer-encoding"), ["chunked"]);
    }
    let empty = "POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let got = seen(&exchange(&service, empty).await);
    assert_eq!(header(&got, "content-length"), ["0"]);
    let two = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\
        Connection: close\r\n\r\nab";
    assert!(exchange(&service, two).await.starts_with("HTTP/1.1 400"));
    service.shutdown().await;
}

#[tokio::test]
async fn an_answer_begins_before_the_request_has_ended() {
    let service = before(echo().await, &[]).await;
    let mut stream = TcpStream::connect(service.addr()).await.unwrap();
    let head = "POST /talk HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut heard = String::new();
    for word in ["first", "second"] {
        let piece = format!("{:x}\r\n{word}\r\n", word.len());
        stream.write_all(piece.as_bytes()).await.unwrap();
        while !heard.contains(word) {
            let mut buffer = [0; 1024];
            let reading = stream.read(&mut buffer);
            let read = tokio::time::timeout(Duration::from_secs(20), reading).await;
            let read = read.expect("an echo").unwrap();
            assert!(read > 0, "{heard}");
            heard.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    }
    drop(stream);
    service.shutdown().await;
}

#[tokio::test]
async fn requests_for_other_kinds_of_proxies_are_refused() {
    let service = before(echo().await, &[]).await;
    let connect = "CONNECT other.example:443 HTTP/1.1\r\nHost: other.example\r\n\
        Connection: close\r\n\r\n";
    assert!(
        exchange(&service, connect)
            .await
            .starts_with("HTTP/1.1 400")
    );
    // Where it goes is not the client's to say.
    let absolute = "GET http://other.example/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert_eq!(seen(&exchange(&service, absolute).await)["uri"], "/x");
    service.shutdown().await;
}

#[tokio::test]
async fn a_pds_that_says_nothing_is_not_waited_for_without_end() {
    let limits = [("SOTTO_PDS_DELEGATION_UPSTREAM_TIMEOUT", "1")];
    let service = before(echo().await, &limits).await;
    let silent = "GET /silent HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let answer = exchange(&service, silent).await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert_eq!(seen(&answer)["error"], "UpstreamFailure");
    service.shutdown().await;
}

#[tokio::test]
async fn clients_are_bounded() {
    let limits = [
        ("SOTTO_PDS_DELEGATION_REQUEST_TIMEOUT", "1"),
        ("SOTTO_PDS_DELEGATION_MAX_CONNECTIONS", "1"),
    ];
    let service = before(echo().await, &limits).await;
    let mut slow = TcpStream::connect(service.addr()).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
    // The second waits for the first, which is given up.
    let next = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert_eq!(seen(&exchange(&service, next).await)["uri"], "/x");
    let large = format!(
        "GET /x HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n",
        "x".repeat(300_000)
    );
    // The connection may be reset before the refusal is read.
    let answer = exchange(&service, &large).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    let late = "POST /xrpc/chat.sotto.createDelegation HTTP/1.1\r\nHost: h\r\n\
        Connection: close\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    let answer = exchange(&service, late).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    service.shutdown().await;
}

#[tokio::test]
async fn calls_are_bounded_and_what_passes_through_is_not_held_up() {
    let limits = [("SOTTO_PDS_DELEGATION_CONCURRENT_CALLS", "1")];
    let service = before(echo().await, &limits).await;
    let call = "GET /xrpc/chat.sotto.getDelegation?did=did:web:a.example HTTP/1.1\r\nHost: h\r\n\
        Connection: close\r\n\r\n";
    let mut first = TcpStream::connect(service.addr()).await.unwrap();
    first.write_all(call.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let second = exchange(&service, call).await;
    assert!(second.starts_with("HTTP/1.1 429 "), "{second}");
    assert!(second.to_lowercase().contains("retry-after: 1"), "{second}");
    assert_eq!(seen(&second)["error"], "RateLimitExceeded");
    let passed = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert_eq!(seen(&exchange(&service, passed).await)["uri"], "/x");
}

#[tokio::test]
async fn an_input_that_is_none_is_refused() {
    let service = before(echo().await, &[]).await;
    let url = format!("http://{}/xrpc/chat.sotto.createDelegation", service.addr());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |kind: &str, body: Bytes| {
        let request = client.post(&url).header("content-type", kind).body(body);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        (status, body["error"].as_str().unwrap().to_owned())
    };
    let invalid = (400, "InvalidRequest".to_owned());
    let record = Bytes::from_static(br#"{"record": {}}"#);
    assert_eq!(post("text/plain", record.clone()).await, invalid);
    assert_eq!(
        post("application/json", Bytes::from_static(b"[")).await,
        invalid
    );
    let deep = Bytes::from(vec![b'['; 100_000]);
    assert_eq!(post("application/json", deep).await, invalid);
    let large = Bytes::from(vec![b' '; 1024 * 1024 + 1]);
    assert_eq!(post("application/json", large).await, invalid);
    let more = Bytes::from_static(br#"{"record": {}, "more": 1}"#);
    assert_eq!(post("application/json", more).await, invalid);
    let no_token = post("application/json; charset=utf-8", record).await;
    assert_eq!(no_token, (401, "AuthenticationRequired".to_owned()));
    service.shutdown().await;
}
