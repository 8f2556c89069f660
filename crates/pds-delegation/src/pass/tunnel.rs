//! A WebSocket (`com.atproto.sync.subscribeRepos`): bytes in both directions until one side ends.

use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::server::Connection;
use crate::state::State;

/// Joins the two connections once both have switched. Counts as open for as long as it lasts.
pub(super) fn open(
    state: &Arc<State>,
    client: OnUpgrade,
    pds: OnUpgrade,
    connection: Option<Connection>,
) {
    let stopping = state.stopping.clone();
    state.tasks.spawn(async move {
        let joined = async {
            let (client, pds) = tokio::try_join!(client, pds).ok()?;
            let (mut client, mut pds) = (TokioIo::new(client), TokioIo::new(pds));
            tokio::io::copy_bidirectional(&mut client, &mut pds)
                .await
                .ok()
        };
        tokio::select! {
            () = stopping.cancelled() => {}
            // How a socket ended says nothing that anyone would act on.
            _ = joined => {}
        }
        drop(connection.map(|connection| connection.open));
    });
}
