//! `POST /xrpc/chat.sotto.createDelegation`.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::response::Response;
use sotto_wire::pds_api::{CREATE, CreateInput};

use crate::call;
use crate::change::Change;
use crate::state::State;

pub(super) async fn create(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    call::answer(state, request, CREATE, |state, did, input: CreateInput| {
        Ok(Change {
            wanted: Some(call::wanted(state, &did, input.record)?),
            did,
            replaces: None,
            unendorsed: input.unendorsed,
        })
    })
    .await
}
