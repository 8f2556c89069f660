//! TXT records, asked of the DNS servers this system is set up with. DNS over HTTPS would be fewer
//! dependencies, but tells one company every handle that is looked up.

use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;

use sotto_wire::did::Did;

use super::ResolveError;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_RECORDS: usize = 50;

/// Looks up TXT records; the strings of one record are joined.
#[async_trait]
pub(crate) trait TxtLookup: Send + Sync {
    /// No such name, or none of this type: [`ResolveError::Unknown`].
    async fn lookup(&self, name: &str) -> Result<Vec<String>, ResolveError>;
}

/// The system's DNS servers. Read anew each time: they change with the network a laptop is in.
pub(crate) struct SystemDns;

#[async_trait]
impl TxtLookup for SystemDns {
    async fn lookup(&self, name: &str) -> Result<Vec<String>, ResolveError> {
        let resolver = TokioResolver::builder_tokio()
            .and_then(|builder| builder.build())
            .map_err(|_| ResolveError::Unreachable)?;
        ask(&resolver, name).await
    }
}

async fn ask(resolver: &TokioResolver, name: &str) -> Result<Vec<String>, ResolveError> {
    let lookup = tokio::time::timeout(TIMEOUT, resolver.txt_lookup(name))
        .await
        .map_err(|_| ResolveError::Unreachable)?
        .map_err(|error| match error.is_no_records_found() {
            true => ResolveError::Unknown,
            false => ResolveError::Unreachable,
        })?;
    let texts = lookup
        .answers()
        .iter()
        .take(MAX_RECORDS)
        .filter_map(|record| {
            let RData::TXT(text) = &record.data else {
                return None;
            };
            String::from_utf8(text.txt_data.concat()).ok()
        });
    Ok(texts.collect())
}

/// The account that the texts at `_atproto.` of a handle name.
pub(crate) fn named(texts: &[String]) -> Result<Did, ResolveError> {
    let mut dids = texts.iter().filter_map(|text| text.strip_prefix("did="));
    match (dids.next(), dids.next()) {
        (Some(did), None) => Did::parse(did).map_err(|_| ResolveError::Unknown),
        (Some(_), Some(_)) => Err(ResolveError::Mismatch),
        (None, _) => Err(ResolveError::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use tokio::net::UdpSocket;

    use super::*;

    /// Asks a DNS server that answers everything with this code and these TXT records, each a list
    /// of strings.
    async fn ask_server(code: u8, records: &[&[&str]]) -> Result<Vec<String>, ResolveError> {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let answers: Vec<u8> = records.iter().flat_map(|texts| txt_record(texts)).collect();
        let count = u8::try_from(records.len()).unwrap();
        tokio::spawn(async move {
            let mut query = [0; 512];
            while let Ok((_, client)) = socket.recv_from(&mut query).await {
                let name = query[12..].iter().position(|&byte| byte == 0).unwrap();
                let question = &query[12..12 + name + 5];
                let head = [
                    query[0],
                    query[1],
                    0x81,
                    0x80 | code,
                    0,
                    1,
                    0,
                    count,
                    0,
                    0,
                    0,
                    0,
                ];
                let answer = [&head[..], question, &answers].concat();
                socket.send_to(&answer, client).await.unwrap();
            }
        });
        let mut connection = ConnectionConfig::udp();
        connection.port = address.port();
        let server = NameServerConfig::new(address.ip(), true, vec![connection]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let provider = TokioRuntimeProvider::default();
        let resolver = TokioResolver::builder_with_config(config, provider)
            .build()
            .unwrap();
        ask(&resolver, "_atproto.alice.example.com.").await
    }

    /// For the name of the question: TXT, IN, 60 seconds.
    fn txt_record(texts: &[&str]) -> Vec<u8> {
        let length = |text: &[u8]| u8::try_from(text.len()).unwrap();
        let mut data = Vec::new();
        for text in texts {
            data.push(length(text.as_bytes()));
            data.extend_from_slice(text.as_bytes());
        }
        [
            &[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, length(&data)][..],
            &data,
        ]
        .concat()
    }

    #[tokio::test]
    async fn strings_of_one_record_are_joined() {
        let found = ask_server(0, &[&["did=did:plc:", "abc"], &["v=spf1"]])
            .await
            .unwrap();
        assert_eq!(found, ["did=did:plc:abc", "v=spf1"]);
    }

    #[tokio::test]
    async fn no_such_name_is_not_a_broken_server() {
        assert_eq!(
            ask_server(3, &[]).await,
            Err(ResolveError::Unknown),
            "no such name"
        );
        assert_eq!(
            ask_server(0, &[]).await,
            Err(ResolveError::Unknown),
            "no such records"
        );
        assert_eq!(
            ask_server(2, &[]).await,
            Err(ResolveError::Unreachable),
            "server failure"
        );
        assert_eq!(
            ask_server(5, &[]).await,
            Err(ResolveError::Unreachable),
            "refused"
        );
    }
}
