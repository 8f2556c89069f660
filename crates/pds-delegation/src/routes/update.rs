//! `POST /xrpc/chat.sotto.updateDelegation`.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::response::Response;
use sotto_wire::pds_api::{UPDATE, UpdateInput};

use crate::call;
use crate::change::Change;
use crate::state::State;

pub(super) async fn update(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    call::answer(state, request, UPDATE, |state, did, input: UpdateInput| {
        Ok(Change {
            wanted: Some(call::wanted(state, &did, input.record)?),
            did,
            replaces: Some(input.swap_record),
            unendorsed: input.unendorsed,
        })
    })
    .await
}
