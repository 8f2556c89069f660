//! What a conversation needs before its first message can be sealed (docs/protocol.md §3.4).

use crate::db::{Change, DbError, WriteTx, holds, peers};
use crate::delivery::{Context, standing};
use crate::discovery::{Device, DiscoveryError};
use crate::mls::MlsError;
use crate::mls::send_group::{self, PeerDevice};
use crate::relay::RelayError;
use sotto_identity::verify::Pin;
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;
use sotto_wire::relay_api::Adjudication;

/// Why it is not there yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum NeedError {
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error(transparent)]
    Mls(#[from] MlsError),
}

impl NeedError {
    fn code(&self) -> &'static str {
        match self {
            Self::Discovery(error) => error.code(),
            Self::Mls(error) => error.code(),
        }
    }

    pub(super) fn is_temporary(&self) -> bool {
        match self {
            Self::Discovery(error) => error.is_temporary(),
            Self::Mls(error) => matches!(error, MlsError::Db(_)),
        }
    }
}

impl From<RelayError> for NeedError {
    fn from(error: RelayError) -> Self {
        Self::Discovery(error.into())
    }
}

impl From<DbError> for NeedError {
    fn from(error: DbError) -> Self {
        Self::Discovery(error.into())
    }
}

/// Verifies the peer anew, claims key packages and creates the send group.
pub(super) async fn make(
    context: &Context,
    conversation: &ConversationId,
    did: &Did,
) -> Result<(), NeedError> {
    // What this peer has written to us in the meantime must not lie in the pool while the answers
    // to our first contact overtake it.
    let decision = Adjudication {
        provision: vec![did.clone()],
        ..Adjudication::default()
    };
    context
        .relays
        .adjudicate(&context.own.domain, &decision)
        .await?;
    let pin = match context.discovery.verified(did).await {
        Ok(account) => account.pin(),
        Err(error) => {
            context.discovery.hold_back(did, &error).await?;
            return Err(error.into());
        }
    };
    let id = context.claims.of(conversation, &*context.random);
    let devices = context.discovery.devices(&pin, id).await?;
    // Whatever comes of them: a package that may have been used is not used again.
    context.claims.end(conversation);
    let (conversation, now) = (*conversation, context.clock.now_ms());
    context
        .database
        .write(move |tx| {
            let peer = peers::pin(tx, &pin, now)?;
            holds::set(tx, peer, None)?;
            create(tx, &conversation, &pin, devices)?;
            tx.changed(Change::Outbox);
            Ok(())
        })
        .await
}

/// A bad key package of one device must not cut off the others.
fn create(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    pin: &Pin,
    devices: Vec<Device>,
) -> Result<(), MlsError> {
    let member = |device: &Device| PeerDevice {
        certificate: device.certificate.clone(),
        key_package: device.key_package.clone(),
        last_resort: device.last_resort,
        account: pin,
    };
    let all: Vec<_> = devices.iter().map(member).collect();
    match send_group::create(tx, conversation, &all) {
        Err(MlsError::Refused(code)) if all.len() > 1 => {
            tracing::warn!(code, "a device's key package was refused");
            let usable: Vec<_> = all
                .into_iter()
                .filter(|it| usable(tx, conversation, it))
                .collect();
            send_group::create(tx, conversation, &usable)
        }
        outcome => outcome,
    }
}

/// Whether a group with this device alone could be made; it is not kept.
fn usable(tx: &WriteTx<'_>, conversation: &ConversationId, device: &PeerDevice<'_>) -> bool {
    let Ok(_undone) = tx.savepoint() else {
        return false;
    };
    send_group::create(tx, conversation, std::slice::from_ref(device)).is_ok()
}

/// Shows at the conversation why its messages wait, or that they no longer do.
pub(super) async fn note(
    context: &Context,
    conversation: &ConversationId,
    did: &Did,
    made: &Result<(), NeedError>,
) {
    let code = made.as_ref().err().map(NeedError::code);
    // Whatever was found to be expired or not valid yet: that is why.
    let code = code.map(|code| match context.relays.clock_is_wrong() {
        true => "clock.wrong",
        false => code,
    });
    if let Some(code) = code {
        tracing::warn!(code, "a conversation waits for its first contact");
    }
    if let Err(error) = standing::note(&context.database, *conversation, did, code).await {
        tracing::error!(%error, "the state of a first contact could not be noted");
    }
}
