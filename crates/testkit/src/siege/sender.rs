//! One who puts at one grant, one message after the other, each until it is promised.

use super::tally::{Tally, message};
use crate::mailbox::{Mailbox, Trouble};
use sotto_wire::grant::IssuedGrant;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Before another try.
const RETRY: Duration = Duration::from_millis(25);
/// A challenge is valid for longer.
const CHALLENGE: Duration = Duration::from_secs(120);
/// More than these wait for the receiver: a relay may drop what is beyond its bound (§4.6).
const AHEAD: usize = 1000;

pub(super) async fn run(
    mailbox: Arc<Mailbox>,
    grant: IssuedGrant,
    sender: usize,
    tally: Arc<Tally>,
    ending: Arc<AtomicBool>,
) {
    let mut challenge: Option<(String, Instant)> = None;
    let mut number = 0;
    while !ending.load(Ordering::Acquire) {
        if tally.waiting(sender) > AHEAD {
            tokio::time::sleep(RETRY).await;
            continue;
        }
        let fresh = challenge.take_if(|it| it.1.elapsed() < CHALLENGE);
        let (text, since) = match fresh {
            Some(known) => known,
            None => match mailbox.challenge(&grant).await {
                Ok(text) => (text, Instant::now()),
                Err(_) => {
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            },
        };
        let put = mailbox.put(&grant, &text, message((sender, number))).await;
        challenge = Some((text, since));
        match put {
            Ok(()) => {
                tally.promise(sender);
                number += 1;
                continue;
            }
            Err(Trouble::Broken) => tally.lose_answer(),
            Err(Trouble::Status(503 | 429)) => tally.refuse(),
            Err(Trouble::Status(_)) => tally.wonder(),
        }
        tokio::time::sleep(RETRY).await;
    }
}
