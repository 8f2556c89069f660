//! Messages that disappear do so when their time has come (docs/protocol.md §5.3).

use super::Context;
use crate::db::{Change, DbError};
use crate::messages::content;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// The clock may be set, and the machine may sleep: look again even if nothing announced itself.
const AT_LEAST: Duration = Duration::from_secs(30);
/// Messages that come one after the other are looked at together.
const TOGETHER: Duration = Duration::from_millis(200);

pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut changes = context.database.changes();
    loop {
        let wait = sweep(&context).await.unwrap_or_else(|error| {
            tracing::error!(%error, "messages disappear later");
            AT_LEAST
        });
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = messages_changed(&mut changes) => tokio::time::sleep(TOGETHER).await,
        }
    }
}

/// Erases what is due, and says how long nothing more is.
async fn sweep(context: &Context) -> Result<Duration, DbError> {
    loop {
        let now = context.clock.now_ms();
        let Some(next) = context.database.read(content::next_expiry).await? else {
            return Ok(AT_LEAST);
        };
        if next > now {
            return Ok(Duration::from_millis(next - now).min(AT_LEAST));
        }
        context.database.write(|tx| content::sweep(tx)).await?;
    }
}

/// Other changes give no message a time; a lost one may have been of messages.
async fn messages_changed(changes: &mut Receiver<Change>) {
    loop {
        match changes.recv().await {
            Ok(Change::Messages { .. }) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // Shutting down.
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}
