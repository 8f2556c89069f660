//! Key packages (§4.4).

mod claims;

use std::collections::HashSet;
use std::sync::Arc;

use reqwest::{Method, StatusCode};
use sha2::{Digest as _, Sha256};
use sotto_wire::cbor;
use sotto_wire::challenge::Realm;
use sotto_wire::did::Did;
use sotto_wire::relay_api::{ClaimRequest, ClaimResponse, KeyPackagesPut, KeyPackagesState, paths};

use super::answer::Answer;
use super::people::{Device, Person};
use super::world::World;

async fn publish(world: &World, device: &Device, put: KeyPackagesPut) -> Answer {
    world
        .owner(
            device,
            Method::PUT,
            paths::KEY_PACKAGES,
            Some(cbor::encode(&put)),
        )
        .await
}

fn packages(n: usize) -> Vec<Vec<u8>> {
    (0..n)
        .map(|i| format!("package {i}").into_bytes())
        .collect()
}

async fn claim(world: &World, of: &Did, by: &Person, device: &Device) -> Answer {
    claim_for(world, of, by, device, [7; 16]).await
}

/// The claim with this id.
async fn claim_for(world: &World, of: &Did, by: &Person, device: &Device, id: [u8; 16]) -> Answer {
    let challenge = world.challenge(Realm::Claim, of.as_str()).await;
    let body = cbor::encode(&ClaimRequest {
        id,
        did: by.did.clone(),
        cert: device.cert.clone(),
    });
    let path = paths::key_package_claims(of);
    let headers = world.sign(&Method::POST, &path, Some(&body), &challenge, &device.key);
    world.send(Method::POST, &path, &headers, Some(body)).await
}

#[tokio::test]
async fn publishing_adds_keeps_and_replaces() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: packages(2),
        last_resort: Some(b"last 1".to_vec()),
    };
    let first: KeyPackagesState = publish(&world, &device, put).await.decode();
    let hash = |bytes: &[u8]| Sha256::digest(bytes).to_vec();
    assert_eq!(first.single_use, [hash(b"package 0"), hash(b"package 1")]);
    assert_eq!(first.last_resort, Some(hash(b"last 1")));
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: packages(3),
        last_resort: None,
    };
    let second: KeyPackagesState = publish(&world, &device, put).await.decode();
    assert_eq!(second.single_use.len(), 3);
    assert_eq!(second.last_resort, Some(hash(b"last 1")));
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: vec![],
        last_resort: Some(b"last 2".to_vec()),
    };
    publish(&world, &device, put).await;
    let state: KeyPackagesState = world
        .owner(&device, Method::GET, paths::KEY_PACKAGES, None)
        .await
        .decode();
    assert_eq!(
        (state.single_use.len(), state.last_resort),
        (3, Some(hash(b"last 2")))
    );
}

#[tokio::test]
async fn too_many_and_too_large_are_refused() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let put = |single_use| KeyPackagesPut {
        remove: Vec::new(),
        single_use,
        last_resort: None,
    };
    let large = publish(&world, &device, put(vec![vec![0; 16 * 1024 + 1]])).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        publish(&world, &device, put(packages(101))).await.status,
        413
    );
    assert_eq!(
        publish(&world, &device, put(packages(100))).await.status,
        200
    );
    let one_more = publish(&world, &device, put(vec![b"another".to_vec()])).await;
    assert_eq!(one_more.status, StatusCode::CONFLICT);
    let body = vec![vec![0; 16 * 1024]; 70];
    assert_eq!(
        publish(&world, &device, put(body)).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn the_anonymous_get_gives_last_resorts_only() {
    let world = World::new().await;
    let (alice, device) = world.registered("alice").await;
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: packages(5),
        last_resort: Some(b"last".to_vec()),
    };
    publish(&world, &device, put).await;
    let path = paths::key_packages_of(&alice.did);
    let answer: ClaimResponse = world.send(Method::GET, &path, &[], None).await.decode();
    assert_eq!(
        (
            answer.packages[0].package.as_slice(),
            answer.packages[0].last_resort
        ),
        (&b"last"[..], true)
    );
    let nobody = paths::key_packages_of(&Person::new("nobody").did);
    assert_eq!(
        world.send(Method::GET, &nobody, &[], None).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_its_owner_takes_away_is_not_handed_out_any_more() {
    let world = World::with(|config| config.limits.single_use_max = 3).await;
    let (alice, device) = world.registered("alice").await;
    let hash = |bytes: &[u8]| Sha256::digest(bytes).to_vec();
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: packages(3),
        last_resort: Some(b"last".to_vec()),
    };
    publish(&world, &device, put).await;
    // What goes makes room for what comes; what was never here is no error.
    let put = KeyPackagesPut {
        remove: vec![hash(b"package 0"), hash(b"last"), hash(b"never here")],
        single_use: vec![b"another".to_vec()],
        last_resort: None,
    };
    let state: KeyPackagesState = publish(&world, &device, put).await.decode();
    let left = [hash(b"package 1"), hash(b"package 2"), hash(b"another")];
    assert_eq!(
        (&state.single_use[..], state.last_resort),
        (&left[..], None)
    );
    let bob = world.person("bob");
    let his = bob.device(world.now());
    let answer: ClaimResponse = claim(&world, &alice.did, &bob, &his).await.decode();
    assert_eq!(answer.packages[0].package, b"package 1");
    // Another device's packages are not touched by it.
    let (_, other) = world.registered("carol").await;
    let put = KeyPackagesPut {
        remove: vec![hash(b"package 2")],
        ..KeyPackagesPut::default()
    };
    publish(&world, &other, put).await;
    let state: KeyPackagesState = world
        .owner(&device, Method::GET, paths::KEY_PACKAGES, None)
        .await
        .decode();
    assert_eq!(state.single_use, [hash(b"package 2"), hash(b"another")]);
}
