//! `GET /xrpc/chat.sotto.getDelegation`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Shared};
use serde::Deserialize;
use sotto_identity::did_document::Anchor;
use sotto_wire::did::Did;
use sotto_wire::pds_api::GetOutput;

use crate::auth;
use crate::error::ApiError;
use crate::state::State;

#[derive(Deserialize)]
pub(super) struct Parameters {
    did: Did,
}

pub(super) async fn get(
    Shared(state): Shared<Arc<State>>,
    query: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<GetOutput>, ApiError> {
    let Query(Parameters { did }) = query.map_err(|_| ApiError::invalid("did: needed"))?;
    let _turn = state.calls.try_acquire().map_err(|_| ApiError::busy())?;
    // The directory is asked for accounts of this PDS only.
    auth::hosted(&state, &did).await?;
    let (present, car) = tokio::try_join!(state.upstream.record(&did), state.upstream.proof(&did))
        .map_err(|_| ApiError::upstream())?;
    let document = state.network.did_document(&did).await;
    let document_key = match document.map_err(|_| ApiError::directory())?.e2ee {
        Anchor::Absent => None,
        Anchor::Key(key) => Some(key.to_did_key()),
        Anchor::Unusable => Some("unusable".to_owned()),
    };
    let (cid, record) = present.map(|it| (it.cid, it.value)).unzip();
    Ok(Json(GetOutput {
        audience: state.config.audience.clone(),
        car: car.into(),
        did,
        record,
        cid,
        document_key,
    }))
}
