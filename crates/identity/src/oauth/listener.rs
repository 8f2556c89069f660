//! Where the browser comes back to: a port on 127.0.0.1 that answers one path, for a few minutes.

use std::time::Duration;

use subtle::ConstantTimeEq;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use super::OAuthError;

const MAX_REQUEST: usize = 16 * 1024;
const MAX_CONNECTIONS: usize = 16;
const READ_TIMEOUT: Duration = Duration::from_secs(10);
const PATH: &str = "/callback";

/// What the browser brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Code {
        code: String,
        issuer: Option<String>,
    },
    Refused {
        denied: bool,
    },
}

/// The open port, and the `state` that only the asked server knows.
pub(super) struct Listener {
    socket: TcpListener,
    redirect_uri: String,
    state: String,
}

impl Listener {
    pub(super) async fn bind(state: String) -> Result<Self, OAuthError> {
        let socket = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|_| OAuthError::NoListener)?;
        let address = socket.local_addr().map_err(|_| OAuthError::NoListener)?;
        Ok(Self {
            socket,
            redirect_uri: format!("http://{address}{PATH}"),
            state,
        })
    }

    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    pub(super) fn state(&self) -> &str {
        &self.state
    }

    /// Waits for the browser. Whatever else connects (another program, a web page that tries ports,
    /// a request with another `state`) gets an error page and changes nothing.
    pub(super) async fn answer(&self) -> Answer {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.socket.accept(), if connections.len() < MAX_CONNECTIONS => {
                    // An error here (too many open files) passes; wait before asking again.
                    let Ok((stream, _)) = accepted else {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    };
                    connections.spawn(serve(stream, self.state.clone()));
                }
                Some(served) = connections.join_next() => {
                    if let Ok(Some(answer)) = served {
                        return answer;
                    }
                }
            }
        }
    }
}

async fn serve(mut stream: TcpStream, state: String) -> Option<Answer> {
    let request = tokio::time::timeout(READ_TIMEOUT, read_target(&mut stream))
        .await
        .ok()?;
    let answer = request.as_deref().and_then(|target| parse(target, &state));
    let page = match &answer {
        Some(Answer::Code { .. }) => page("200 OK", "You can return to Sotto."),
        Some(Answer::Refused { denied: true }) => page(
            "200 OK",
            "You did not allow the sign-in. You can return to Sotto.",
        ),
        Some(Answer::Refused { denied: false }) => page(
            "200 OK",
            "The sign-in did not work. You can return to Sotto.",
        ),
        None => page(
            "400 Bad Request",
            "This is not a sign-in that Sotto is waiting for.",
        ),
    };
    // The decision counts even if the browser is gone before it has the page.
    let _ = tokio::time::timeout(READ_TIMEOUT, async {
        stream.write_all(page.as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
    answer
}

/// The target of a GET request, once its head is complete.
async fn read_target(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        head.extend_from_slice(chunk.get(..read)?);
        if head.len() > MAX_REQUEST {
            return None;
        }
    }
    let line = std::str::from_utf8(&head).ok()?.lines().next()?;
    let target = line.strip_prefix("GET ")?.split(' ').next()?;
    target.starts_with('/').then(|| target.to_owned())
}

fn parse(target: &str, state: &str) -> Option<Answer> {
    let url = Url::parse("http://127.0.0.1").ok()?.join(target).ok()?;
    if url.path() != PATH {
        return None;
    }
    let parameter = |name: &str| {
        let mut values = url.query_pairs().filter(|(key, _)| key == name);
        let value = values.next()?.1.into_owned();
        values.next().is_none().then_some(value)
    };
    if !bool::from(parameter("state")?.as_bytes().ct_eq(state.as_bytes())) {
        return None;
    }
    match (parameter("code"), parameter("error")) {
        (Some(code), None) => Some(Answer::Code {
            code,
            issuer: parameter("iss"),
        }),
        (None, Some(error)) => Some(Answer::Refused {
            denied: error == "access_denied",
        }),
        _ => Some(Answer::Refused { denied: false }),
    }
}

/// Whether these bytes are an answer that was waited for, for the fuzz targets.
#[cfg(feature = "testing")]
pub(super) async fn is_answer(mut request: &[u8], state: &str) -> bool {
    let target = read_target(&mut request).await;
    target.is_some_and(|target| parse(&target, state).is_some())
}

fn page(status: &str, text: &str) -> String {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sotto</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:1.25rem system-ui;margin:20vh auto;max-width:30rem;padding:0 1rem;\
         text-align:center;color-scheme:light dark}}</style><p>{text}</p></html>\n"
    );
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn send(listener: &Listener, request: &[u8]) -> String {
        let url = Url::parse(listener.redirect_uri()).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap()))
            .await
            .unwrap();
        // The other side may answer and close before everything is written.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    fn get(target: &str) -> Vec<u8> {
        format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").into_bytes()
    }

    /// Sends requests one after another; the answer to the last, and what the listener returned.
    async fn visit(requests: &[Vec<u8>]) -> (String, Answer) {
        let listener = Listener::bind("secret".to_owned()).await.unwrap();
        let browser = async {
            let mut last = String::new();
            for request in requests {
                last = send(&listener, request).await;
            }
            last
        };
        tokio::join!(browser, listener.answer())
    }

    #[tokio::test]
    async fn takes_the_code_and_says_so() {
        let target = "/callback?code=a%2Bb&state=secret&iss=https%3A%2F%2Fauth.example";
        let (page, answer) = visit(&[get(target)]).await;
        let issuer = Some("https://auth.example".to_owned());
        assert_eq!(
            answer,
            Answer::Code {
                code: "a+b".to_owned(),
                issuer
            }
        );
        assert!(page.starts_with("HTTP/1.1 200 OK"), "{page}");
        assert!(page.contains("You can return to Sotto."), "{page}");
        assert!(page.contains("default-src 'none'"), "{page}");
    }

    #[tokio::test]
    async fn takes_a_refusal() {
        let (page, answer) = visit(&[get("/callback?error=access_denied&state=secret")]).await;
        assert_eq!(answer, Answer::Refused { denied: true });
        assert!(page.contains("did not allow"), "{page}");
        for target in [
            "/callback?error=server_error&state=secret",
            "/callback?state=secret",
            "/callback?state=secret&code=a&error=b",
            "/callback?state=secret&code=a&code=b",
        ] {
            assert_eq!(
                visit(&[get(target)]).await.1,
                Answer::Refused { denied: false },
                "{target}"
            );
        }
    }

    #[tokio::test]
    async fn nothing_else_ends_the_wait() {
        let good = get("/callback?error=access_denied&state=secret");
        let others = [
            get("/"),
            get("/favicon.ico"),
            get("/callback"),
            get("/callback?code=a"),
            get("/callback?code=a&state=guess"),
            get("/callback?code=a&state=secret&state=secret"),
            get("/callback/x?code=a&state=secret"),
            b"POST /callback?code=a&state=secret HTTP/1.1\r\n\r\n".to_vec(),
            b"GET http://x/callback?code=a&state=secret HTTP/1.1\r\n\r\n".to_vec(),
            b"\xff\xfe\r\n\r\n".to_vec(),
            get(&format!(
                "/callback?state=secret&code={}",
                "a".repeat(20_000)
            )),
        ];
        for other in others {
            let listener = Listener::bind("secret".to_owned()).await.unwrap();
            let browser = async {
                let page = send(&listener, &other).await;
                assert!(!page.contains("200 OK"), "{page}");
                send(&listener, &good).await
            };
            let (_, answer) = tokio::join!(browser, listener.answer());
            assert_eq!(answer, Answer::Refused { denied: true });
        }
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_does_not_hold_up_the_browser() {
        let listener = Listener::bind("secret".to_owned()).await.unwrap();
        let port = Url::parse(listener.redirect_uri()).unwrap().port().unwrap();
        let _silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let browser = send(
            &listener,
            b"GET /callback?code=c&state=secret HTTP/1.1\r\n\r\n",
        );
        let (_, answer) = tokio::join!(browser, listener.answer());
        assert_eq!(
            answer,
            Answer::Code {
                code: "c".to_owned(),
                issuer: None
            }
        );
    }
}
