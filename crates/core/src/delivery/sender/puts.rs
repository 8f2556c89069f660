//! Putting stored bytes, those of one conversation strictly one after the other.

use crate::db::DbError;
use crate::delivery::Context;
use crate::outbox::{self, Put, PutResult, Route};
use crate::relay::RelayError;

/// Settled in one transaction: a wait for the disk costs more than a put. After a crash in between
/// they are put again, which relay and recipient recognise.
const SETTLE_AT_ONCE: usize = 16;

/// Puts until one does not get through; what is behind it stays behind it.
pub(super) async fn put_in_order(context: &Context, puts: Vec<Put>) -> Result<(), DbError> {
    let mut results = Vec::new();
    for put in puts {
        let (id, result) = (put.id, put_one(context, put).await);
        let stuck = matches!(result, PutResult::Full { .. } | PutResult::Unreachable);
        results.push((id, result));
        if stuck {
            break;
        }
        if results.len() >= SETTLE_AT_ONCE {
            settle(context, std::mem::take(&mut results)).await?;
        }
    }
    settle(context, results).await
}

async fn settle(context: &Context, results: Vec<(i64, PutResult)>) -> Result<(), DbError> {
    if results.is_empty() {
        return Ok(());
    }
    let settled = context.database.write(move |tx| {
        results
            .iter()
            .try_for_each(|(put, result)| outbox::settle(tx, *put, result))
    });
    settled.await
}

async fn put_one(context: &Context, put: Put) -> PutResult {
    let relays = &context.relays;
    let outcome = match &put.route {
        Route::Grant { host, address, key } => {
            relays.put_at_grant(host, address, key, put.bytes).await
        }
        Route::DidMailbox { domain, did } => relays.put_at_account(domain, did, put.bytes).await,
    };
    result(outcome)
}

fn result(outcome: Result<(), RelayError>) -> PutResult {
    match outcome {
        Ok(()) => PutResult::Accepted,
        Err(RelayError::Full { retry_after_ms }) => PutResult::Full { retry_after_ms },
        // Something in between answers in the relay's place, for instance a hotel's sign-in page.
        Err(RelayError::Unreachable | RelayError::NotARelay(_)) => PutResult::Unreachable,
        Err(
            error @ RelayError::Refused {
                status: 400 | 413, ..
            },
        ) => {
            tracing::warn!(%error, "a put was refused");
            PutResult::Refused(error.code().to_owned())
        }
        Err(error @ RelayError::Insecure) => PutResult::Refused(error.code().to_owned()),
        // No answer of the protocol (§4.5, §4.6): a relay that is misconfigured for the moment.
        Err(RelayError::Refused { .. } | RelayError::NotRegistered) => PutResult::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_protocol_calls_final_is_final() {
        let refused = |status| {
            Err(RelayError::Refused {
                status,
                code: String::new(),
            })
        };
        let refusal = PutResult::Refused("relay.refused".into());
        assert_eq!(result(refused(400)), refusal);
        assert_eq!(result(refused(413)), refusal);
        for status in [401, 403, 404, 410] {
            assert_eq!(result(refused(status)), PutResult::Unreachable, "{status}");
        }
        assert_eq!(
            result(Err(RelayError::NotARelay("portal"))),
            PutResult::Unreachable
        );
        assert_eq!(result(Ok(())), PutResult::Accepted);
    }
}
