//! A client of the relay API (docs/protocol.md §4), for one's own relay and for those of peers.

pub(crate) mod attachments;
mod challenges;
mod error;
pub(crate) mod key_packages;
mod owner;
mod peer;
pub(crate) mod socket;

pub(crate) use self::error::RelayError;
use challenges::{Challenges, Purpose};
use sotto_identity::http::{Http, Method, Request, Response};
use sotto_wire::cbor;
use sotto_wire::challenge::{
    ChallengeRequest, ChallengeResponse, NEXT_CHALLENGE, NextChallenge, Realm,
};
use sotto_wire::domain::Domain;
use sotto_wire::http_sig::{self, RequestParts, SignatureHeaders};
use sotto_wire::key::SigningKey;
use sotto_wire::relay_api::{CONTENT_TYPE, ErrorBody, MAX_SMALL_BODY, paths};
use sotto_wire::time::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;
use url::Url;

/// How far the clocks of a client and its relay may be apart, in seconds: key packages are made valid
/// from six hours ago.
const CLOCK_TOLERANCE: u64 = 6 * 3600;
/// Where `Retry-After` says nothing.
const RETRY_AFTER_MS: u64 = 30_000;
/// How long an exchange may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Asks relays, signing as one device. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Relays(Arc<Inner>);

struct Inner {
    http: Arc<dyn Http>,
    development: bool,
    clock: Arc<dyn Clock>,
    device_key: SigningKey,
    challenges: Challenges,
    /// Seconds by which the own relay's clock was ahead of ours when it last answered.
    ahead: AtomicI64,
    /// Single-use key packages that are to lie at the own relay.
    pool: usize,
    /// The most that the own relay keeps, as far as it has said so.
    most: AtomicUsize,
}

/// A request before it is signed.
struct Call<'a> {
    domain: &'a Domain,
    method: Method,
    path: &'a str,
    body: Vec<u8>,
    max_answer: usize,
    /// For the whole exchange.
    patience: Duration,
}

impl<'a> Call<'a> {
    fn get(domain: &'a Domain, path: &'a str) -> Self {
        Self {
            domain,
            method: Method::Get,
            path,
            body: Vec::new(),
            max_answer: MAX_SMALL_BODY,
            patience: PATIENCE,
        }
    }

    fn post(domain: &'a Domain, path: &'a str, body: Vec<u8>) -> Self {
        Self {
            method: Method::Post,
            body,
            ..Self::get(domain, path)
        }
    }

    fn answering(self, max_answer: usize) -> Self {
        Self { max_answer, ..self }
    }

    fn method_name(&self) -> &'static str {
        match self.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

impl Relays {
    /// A client that signs with `device_key`.
    pub(crate) fn new(
        http: Arc<dyn Http>,
        development: bool,
        clock: Arc<dyn Clock>,
        device_key: SigningKey,
    ) -> Self {
        let challenges = Challenges::default();
        Self(Arc::new(Inner {
            http,
            development,
            clock,
            device_key,
            challenges,
            ahead: AtomicI64::new(0),
            pool: key_packages::POOL,
            most: AtomicUsize::new(usize::MAX),
        }))
    }

    /// The same device's client for another relay: what is known of the clock and the limits of the
    /// own one stays apart.
    pub(crate) fn apart(&self) -> Self {
        let inner = &*self.0;
        let (http, clock) = (Arc::clone(&inner.http), Arc::clone(&inner.clock));
        Self::new(http, inner.development, clock, inner.device_key.clone())
    }

    /// With fewer key packages: a simulation has no time to make them, and is to run out of them.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn keeping(self, pool: usize) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { pool, ..inner })),
            Err(shared) => Self(shared),
        }
    }

    /// Whether this machine's clock and the own relay's differ by more than what certificates and
    /// key packages bear: nobody can say which of the two is right, but nothing will work.
    pub(crate) fn clock_is_wrong(&self) -> bool {
        self.0.ahead.load(Ordering::Relaxed).unsigned_abs() > CLOCK_TOLERANCE
    }

    fn note_time(&self, answer: &Response) {
        if let Some(date) = server_time(answer) {
            let now = self.0.clock.now();
            let ahead = i64::try_from(date.since(now)).unwrap_or(i64::MAX);
            let behind = i64::try_from(now.since(date)).unwrap_or(i64::MAX);
            self.0
                .ahead
                .store(ahead.saturating_sub(behind), Ordering::Relaxed);
        }
    }

    /// The subject of the realm `device`.
    fn thumbprint(&self) -> String {
        self.0.device_key.public().thumbprint().text()
    }

    /// Sends without a signature; answers of any status.
    async fn send(&self, call: &Call<'_>) -> Result<Response, RelayError> {
        let request = self.request(call)?;
        Ok(self.0.http.send(request).await?)
    }

    /// Sends with a signature. A challenge that has ended meanwhile is replaced once.
    async fn send_signed(
        &self,
        call: &Call<'_>,
        realm: Realm,
        subject: &str,
    ) -> Result<Response, RelayError> {
        let purpose = Purpose {
            domain: call.domain.clone(),
            realm,
            subject: subject.to_owned(),
        };
        let answer = self.send_under(call, &purpose).await?;
        if realm == Realm::Device {
            self.note_time(&answer);
        }
        if answer.status != 401 || !is_about_challenge(&answer) {
            return Ok(answer);
        }
        self.0.challenges.forget(&purpose);
        self.send_under(call, &purpose).await
    }

    async fn send_under(&self, call: &Call<'_>, purpose: &Purpose) -> Result<Response, RelayError> {
        let challenge = self.challenge(purpose).await?;
        let mut request = self.request(call)?;
        let headers = self.sign(call, &request.url, &challenge)?;
        if let Some(digest) = headers.content_digest {
            request = request.header(http_sig::CONTENT_DIGEST, digest);
        }
        let request = request
            .header(http_sig::SIGNATURE_INPUT, headers.signature_input)
            .header(http_sig::SIGNATURE, headers.signature);
        let answer = self.0.http.send(request).await?;
        self.keep_next(purpose, &answer);
        Ok(answer)
    }

    fn sign(
        &self,
        call: &Call<'_>,
        url: &Url,
        challenge: &str,
    ) -> Result<SignatureHeaders, RelayError> {
        let parts = RequestParts {
            method: call.method_name(),
            authority: call.domain.as_str(),
            path: url.path(),
            query: url.query(),
            body: Some(&call.body),
        };
        http_sig::sign(&parts, challenge, self.0.clock.now(), &self.0.device_key)
            .map_err(|_| RelayError::NotARelay("its challenge is unusable"))
    }

    fn request(&self, call: &Call<'_>) -> Result<Request, RelayError> {
        let url = self.url(call.domain, call.path)?;
        let mut request = Request::get(url, call.max_answer);
        request.timeout = call.patience;
        if call.body.is_empty() {
            return Ok(Request {
                method: call.method,
                ..request
            });
        }
        Ok(request.with_body(call.method, CONTENT_TYPE, call.body.clone()))
    }

    fn url(&self, domain: &Domain, path: &str) -> Result<Url, RelayError> {
        let base = domain
            .base_url(self.0.development)
            .map_err(|_| RelayError::Insecure)?;
        Url::parse(&format!("{base}{path}")).map_err(|_| RelayError::NotARelay("its name"))
    }

    /// A challenge at hand, or a fresh one.
    async fn challenge(&self, purpose: &Purpose) -> Result<String, RelayError> {
        if let Some(challenge) = self.0.challenges.get(purpose, self.0.clock.now()) {
            return Ok(challenge);
        }
        let body = ChallengeRequest {
            r: purpose.realm,
            s: purpose.subject.clone(),
        };
        let call = Call::post(&purpose.domain, paths::CHALLENGES, cbor::encode(&body));
        let answer = self.send(&call).await?;
        let date = server_time(&answer);
        let minted: ChallengeResponse = decoded(answer)?;
        self.keep(purpose, minted.c.clone(), minted.e, date);
        Ok(minted.c)
    }

    fn keep_next(&self, purpose: &Purpose, answer: &Response) {
        if let Some(next) = answer.header(NEXT_CHALLENGE).and_then(NextChallenge::parse) {
            self.keep(purpose, next.challenge, next.expires, server_time(answer));
        }
    }

    /// `expires` is by the relay's clock, which is not ours: what counts is how long from now. (A
    /// put at a grant is answered 202 with an expired challenge too, and is lost, §4.6.)
    fn keep(
        &self,
        purpose: &Purpose,
        challenge: String,
        expires: Timestamp,
        date: Option<Timestamp>,
    ) {
        let now = self.0.clock.now();
        let until = now.plus(expires.since(date.unwrap_or(now)));
        self.0.challenges.keep(purpose.clone(), challenge, until);
    }
}

fn server_time(answer: &Response) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(answer.header("date")?).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp(since.as_secs()))
}

fn is_about_challenge(answer: &Response) -> bool {
    matches!(
        error_code(answer).as_str(),
        "expired-challenge" | "bad-challenge"
    )
}

fn error_code(answer: &Response) -> String {
    let body: Option<ErrorBody> = cbor::decode(&answer.body, MAX_SMALL_BODY).ok();
    // A stranger's text ends up in a log: a code is short and plain.
    body.map(|body| body.error)
        .filter(|code| {
            code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        })
        .unwrap_or_default()
}

/// The answer, if it says "done".
fn successful(answer: Response) -> Result<Response, RelayError> {
    match answer.status {
        200..=299 => Ok(answer),
        429 => {
            let seconds: Option<u64> = answer.header("retry-after").and_then(|it| it.parse().ok());
            let retry_after_ms = seconds.map_or(RETRY_AFTER_MS, |it| it.min(86_400) * 1000);
            Err(RelayError::Full { retry_after_ms })
        }
        500..=599 => Err(RelayError::Unreachable),
        status => match error_code(&answer).as_str() {
            "not-registered" => Err(RelayError::NotRegistered),
            code => Err(RelayError::Refused {
                status,
                code: code.to_owned(),
            }),
        },
    }
}

/// The body of the answer, if it says "done".
fn decoded<T: serde::Serialize + serde::de::DeserializeOwned>(
    answer: Response,
) -> Result<T, RelayError> {
    let answer = successful(answer)?;
    cbor::decode(&answer.body, answer.body.len())
        .map_err(|_| RelayError::NotARelay("its answer is not of the protocol"))
}

#[cfg(test)]
mod tests;
