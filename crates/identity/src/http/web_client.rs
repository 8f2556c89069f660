//! [`Http`] over reqwest.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::LOCATION;
use url::Url;

use super::address::is_allowed;
use super::resolver::{Lookup, PublicAddresses, SystemLookup, leads_inside};
use super::{Http, HttpError, Method, Request, Response};

const MAX_REDIRECTS: usize = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The real client: no cookies, no decompression, no blind redirects, public addresses only.
///
/// A proxy from the environment is honoured (except under development); its name, too, has to
/// resolve to a public address, unless it is `localhost` or written as an address.
pub struct WebClient {
    client: reqwest::Client,
    development: bool,
}

impl WebClient {
    /// With `development`, loopback addresses are allowed ([`is_allowed`]).
    ///
    /// # Errors
    /// [`HttpError::Unavailable`] where the TLS backend cannot be initialised.
    pub fn new(development: bool) -> Result<Self, HttpError> {
        Self::with_lookup(development, Arc::new(SystemLookup))
    }

    fn with_lookup(development: bool, lookup: Arc<dyn Lookup>) -> Result<Self, HttpError> {
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("sotto/", env!("CARGO_PKG_VERSION")));
        let builder = if development {
            builder.no_proxy()
        } else {
            builder.dns_resolver(Arc::new(PublicAddresses(lookup)))
        };
        let client = builder.build().map_err(|_| HttpError::Unavailable)?;
        Ok(Self {
            client,
            development,
        })
    }

    async fn follow(&self, mut request: Request) -> Result<Response, HttpError> {
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.once(&request).await?;
            let target = match request.method {
                Method::Get if request.redirects && answer.status().is_redirection() => {
                    redirect_target(&request.url, &answer)
                }
                _ => None,
            };
            let Some(target) = target else {
                return read(answer, request.max_body).await;
            };
            if target.scheme() != request.url.scheme() {
                return Err(HttpError::Forbidden);
            }
            // Credentials are for the host they were meant for.
            if target.origin() != request.url.origin() {
                request.headers.retain(|(name, _)| *name == "accept");
            }
            request.url = target;
        }
        Err(HttpError::OutOfBounds)
    }

    async fn once(&self, request: &Request) -> Result<reqwest::Response, HttpError> {
        if !is_allowed(&request.url, self.development) {
            return Err(HttpError::Forbidden);
        }
        let url = request.url.clone();
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.client.request(method, url);
        if !request.body.is_empty() {
            builder = builder.body(request.body.clone());
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        builder.send().await.map_err(|error| {
            if leads_inside(&error) {
                HttpError::Forbidden
            } else {
                HttpError::Unreachable
            }
        })
    }
}

#[async_trait]
impl Http for WebClient {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let timeout = request.timeout;
        tokio::time::timeout(timeout, self.follow(request))
            .await
            .unwrap_or(Err(HttpError::Unreachable))
    }
}

fn redirect_target(from: &Url, answer: &reqwest::Response) -> Option<Url> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    from.join(location).ok()
}

async fn read(mut answer: reqwest::Response, max_body: usize) -> Result<Response, HttpError> {
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| HttpError::Unreachable)? {
        if body.len() + chunk.len() > max_body {
            return Err(HttpError::OutOfBounds);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response {
        status,
        headers,
        body,
    })
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers each connection with the next of `answers`; returns the server's base URL.
    async fn serve(answers: Vec<String>) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for answer in answers {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await.unwrap();
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Url::parse(&base).unwrap()
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        )
    }

    async fn get(url: Url, max_body: usize) -> Result<Response, HttpError> {
        WebClient::new(true)
            .unwrap()
            .send(Request::get(url, max_body))
            .await
    }

    #[tokio::test]
    async fn reads_up_to_the_bound_and_no_further() {
        let body = "x".repeat(1000);
        let url = serve(vec![answer("200 OK", "", &body); 2]).await;
        assert_eq!(get(url.clone(), 1000).await.unwrap().body.len(), 1000);
        assert_eq!(get(url, 999).await.unwrap_err(), HttpError::OutOfBounds);
    }

    #[tokio::test]
    async fn cuts_a_body_of_unknown_length() {
        let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400)).repeat(64);
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let url = serve(vec![format!("{head}{chunk}")]).await;
        assert_eq!(get(url, 10_000).await.unwrap_err(), HttpError::OutOfBounds);
    }

    #[tokio::test]
    async fn follows_three_redirects_but_not_four() {
        let hop = answer("302 Found", "location: /next\r\n", "");
        let end = answer("200 OK", "", "end");
        let three = serve([vec![hop.clone(); 3], vec![end.clone()]].concat()).await;
        assert_eq!(get(three, 10).await.unwrap().body, b"end");
        let four = serve([vec![hop; 4], vec![end]].concat()).await;
        assert_eq!(get(four, 10).await.unwrap_err(), HttpError::OutOfBounds);
    }

    #[tokio::test]
    async fn a_redirect_that_is_not_wanted_is_an_answer() {
        let hop = answer("302 Found", "location: /next\r\n", "");
        let url = serve(vec![hop, answer("200 OK", "", "end")]).await;
        let mut request = Request::get(url, 10);
        request.redirects = false;
        let client = WebClient::new(true).unwrap();
        assert_eq!(client.send(request).await.unwrap().status, 302);
    }

    #[tokio::test]
    async fn a_redirect_may_not_lead_elsewhere() {
        for target in [
            "http://10.0.0.1/",
            "https://pds.example/",
            "file:///etc/passwd",
        ] {
            let location = format!("location: {target}\r\n");
            let url = serve(vec![answer("301 Moved", &location, "")]).await;
            assert_eq!(
                get(url, 10).await.unwrap_err(),
                HttpError::Forbidden,
                "{target}"
            );
        }
    }

    #[tokio::test]
    async fn loopback_is_refused_outside_development() {
        let url = serve(vec![answer("200 OK", "", "")]).await;
        let client = WebClient::new(false).unwrap();
        let outcome = client.send(Request::get(url, 10)).await;
        assert_eq!(outcome.unwrap_err(), HttpError::Forbidden);
    }

    /// A name server of the other side, which answers with whatever addresses it likes.
    struct Rebinding(Vec<SocketAddr>);

    #[async_trait]
    impl Lookup for Rebinding {
        async fn lookup(&self, _: &str) -> std::io::Result<Vec<SocketAddr>> {
            Ok(self.0.clone())
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "::1",
            "fc00::1",
            "fe80::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
        ] {
            let addresses = vec![
                (inside.parse::<IpAddr>().unwrap(), 0).into(),
                ([127, 0, 0, 1], 0).into(),
            ];
            let client = WebClient::with_lookup(false, Arc::new(Rebinding(addresses))).unwrap();
            let url = Url::parse(&format!("https://pds.example.com:{port}/")).unwrap();
            let outcome = client.send(Request::get(url, 10)).await;
            assert_eq!(outcome.unwrap_err(), HttpError::Forbidden, "{inside}");
        }
        let connected = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
        assert!(connected.is_err(), "somebody came in");
    }

    #[tokio::test]
    async fn a_silent_server_times_out() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let mut request = Request::get(url, 10);
        request.timeout = Duration::from_millis(50);
        let outcome = WebClient::new(true).unwrap().send(request).await;
        assert_eq!(outcome.unwrap_err(), HttpError::Unreachable);
    }
}
