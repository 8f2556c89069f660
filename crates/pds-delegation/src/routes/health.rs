//! `GET /healthz`.

/// The process answers. Whether the PDS does is the PDS's `/xrpc/_health`.
pub(super) async fn alive() -> &'static str {
    "ok"
}
