//! `POST /xrpc/chat.sotto.deleteDelegation`.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::response::Response;
use sotto_wire::pds_api::{DELETE, DeleteInput};

use crate::call;
use crate::change::Change;
use crate::state::State;

pub(super) async fn delete(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    call::answer(state, request, DELETE, |_, did, input: DeleteInput| {
        Ok(Change {
            did,
            wanted: None,
            replaces: Some(input.swap_record),
            unendorsed: false,
        })
    })
    .await
}
