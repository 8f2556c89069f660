//! A relay whose database was put back to an earlier state: what it hands out again, and what not.

use reqwest::{Method, StatusCode};
use sotto_wire::relay_api::{Acks, paths};

use super::world::{Setup, on_postgres};
use crate::store::{BackupError, backup};

#[tokio::test]
async fn a_copy_of_a_running_relay_can_be_started_and_hands_out_what_it_held() {
    if on_postgres() {
        // A server is copied by its own program.
        return;
    }
    let setup = Setup::default();
    let world = setup.start().await;
    let (_, device) = world.registered("alice").await;
    let grants = world.grants(&device, 2).await;
    world.put(&grants[0], b"before").await;
    assert_eq!(world.queued(&device, 1).await, [b"before"]);

    let copy = setup.dir.path().join("copy.db");
    backup(&world.data, &copy).expect("copied");
    assert!(matches!(
        backup(&world.data, &copy),
        Err(BackupError::Exists(_))
    ));

    // What happens afterwards is not in it: one more message, an acknowledgement, a grant that ends.
    world.put(&grants[0], b"after").await;
    assert_eq!(world.queued(&device, 2).await.len(), 2);
    let page = world.queue(&device).await;
    let acks = Acks {
        acks: page
            .messages
            .iter()
            .map(|it| sotto_wire::relay_api::Ack {
                k: it.k.clone(),
                id: it.id.clone(),
            })
            .collect(),
    };
    let body = sotto_wire::cbor::encode(&acks);
    world
        .owner(&device, Method::POST, paths::ACKS, Some(body))
        .await;
    assert!(world.queue(&device).await.messages.is_empty());
    let late = world.grants(&device, 1).await.remove(0);
    world.relay.shutdown().await;

    std::fs::remove_file(&world.data).expect("removed");
    std::fs::rename(&copy, &world.data).expect("put back");
    let world = setup.start().await;
    // Delivered anew, as it was when the copy was made; clients know what they have.
    assert_eq!(world.queued(&device, 1).await, [b"before"]);
    // A grant of later is gone, and that is not told to whoever puts there.
    let answer = world.put(&late, b"lost").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    // What lived on in both goes on.
    world.put(&grants[1], b"again").await;
    assert_eq!(
        world.queued(&device, 2).await,
        [b"before".to_vec(), b"again".to_vec()]
    );
    world.relay.shutdown().await;
}
