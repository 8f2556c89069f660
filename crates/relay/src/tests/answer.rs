//! What a relay answered.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sotto_wire::cbor;
use sotto_wire::relay_api::ErrorBody;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body, which must decode.
    pub(crate) fn decode<T: Serialize + DeserializeOwned>(&self) -> T {
        assert!(
            self.status.is_success(),
            "{} {:?}",
            self.status,
            self.error()
        );
        cbor::decode(&self.body, 1 << 22).expect("body")
    }

    /// The error code, if the body has one.
    pub(crate) fn error(&self) -> Option<String> {
        cbor::decode::<ErrorBody>(&self.body, 1000)
            .ok()
            .map(|body| body.error)
    }

    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
    }
}
