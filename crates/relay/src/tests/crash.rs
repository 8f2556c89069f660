//! What was promised survives: a crash between 202 and resolution, and an ordinary end.

use std::sync::Arc;

use super::world::{Setup, World, on_postgres};
use crate::relay::JournalWorker;

#[test]
fn a_put_that_was_answered_is_delivered_after_a_crash() {
    let setup = Setup::default();
    let domain = sotto_wire::domain::Domain::parse("relay.example").unwrap();
    let crashing = Setup {
        dir: Arc::clone(&setup.dir),
        clock: Arc::clone(&setup.clock),
        published: Arc::clone(&setup.published),
        domain: Some(domain.clone()),
        server: setup.server.clone(),
        journal: JournalWorker::Withheld,
        ..Setup::default()
    };
    let first = tokio::runtime::Runtime::new().unwrap();
    let device = first.block_on(async {
        let world = crashing.start().await;
        let (_, device) = world.registered("alice").await;
        let grant = world.grants(&device, 1).await.remove(0);
        for message in [b"one", b"two"] {
            assert_eq!(world.put(&grant, message).await.status, 202);
        }
        device
    });
    // No shutdown: tasks die where they stand, the database is not closed.
    first.shutdown_background();
    // Longer than a challenge lives: it was fresh when the puts came.
    setup.clock.forward(3600);

    let second = tokio::runtime::Runtime::new().unwrap();
    second.block_on(async {
        let world = Setup {
            domain: Some(domain),
            ..setup
        }
        .start()
        .await;
        assert_eq!(world.queued(&device, 2).await, [b"one", b"two"]);
    });
}

#[tokio::test]
async fn shutdown_keeps_everything_and_closes_the_database() {
    let domain = Some(sotto_wire::domain::Domain::parse("relay.example").unwrap());
    let setup = Setup {
        domain,
        ..Setup::default()
    };
    let world = setup.start().await;
    let (_, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    assert_eq!(world.put(&grant, b"kept").await.status, 202);
    let World { relay, data, .. } = world;
    relay.shutdown().await;
    assert!(
        on_postgres() != data.exists() && !data.with_extension("db-wal").exists(),
        "closed in order, the log is merged"
    );
    let again = setup.start().await;
    assert_eq!(again.queued(&device, 1).await, [b"kept"]);
    // Grants and challenges' secret are still the same.
    again.put(&grant, b"later").await;
    assert_eq!(
        again.queued(&device, 2).await,
        [b"kept".to_vec(), b"later".to_vec()]
    );
}

#[tokio::test]
async fn readiness_ends_with_the_store() {
    let world = World::new().await;
    let get = async |path: &str| {
        world
            .send(reqwest::Method::GET, path, &[], None)
            .await
            .status
    };
    assert_eq!(
        (
            get("/healthz").await.as_u16(),
            get("/readyz").await.as_u16()
        ),
        (200, 200)
    );
    world.relay.state().store.close().await;
    assert_eq!(
        (
            get("/healthz").await.as_u16(),
            get("/readyz").await.as_u16()
        ),
        (200, 503)
    );
}
