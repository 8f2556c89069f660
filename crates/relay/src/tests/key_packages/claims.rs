//! Key packages that others claim (docs/protocol.md §4.4).

use super::*;

#[tokio::test]
async fn a_claim_takes_one_per_device_and_falls_back() {
    let world = World::new().await;
    let (alice, device) = world.registered("alice").await;
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: packages(1),
        last_resort: Some(b"last".to_vec()),
    };
    publish(&world, &device, put).await;
    let mut handed = Vec::new();
    for name in ["bob", "carol"] {
        let person = world.person(name);
        let answer = claim(&world, &alice.did, &person, &person.device(world.now())).await;
        let answer: ClaimResponse = answer.decode();
        assert_eq!(answer.roster, alice.roster(1, &[&device]));
        assert_eq!(answer.packages.len(), 1);
        assert_eq!(answer.packages[0].device_id, device.id);
        handed.push((
            answer.packages[0].package.clone(),
            answer.packages[0].last_resort,
        ));
    }
    assert_eq!(
        handed,
        [(b"package 0".to_vec(), false), (b"last".to_vec(), true)]
    );
}

#[tokio::test]
async fn a_repeated_claim_gets_the_same_for_ten_minutes() {
    let world = World::new().await;
    let (alice, device) = world.registered("alice").await;
    publish(
        &world,
        &device,
        KeyPackagesPut {
            remove: Vec::new(),
            single_use: packages(3),
            last_resort: None,
        },
    )
    .await;
    let bob = world.person("bob");
    let phone = bob.device(world.now());
    let first = claim(&world, &alice.did, &bob, &phone).await.body;
    world.clock.forward(599);
    assert_eq!(claim(&world, &alice.did, &bob, &phone).await.body, first);
    world.clock.forward(1);
    assert_ne!(claim(&world, &alice.did, &bob, &phone).await.body, first);
}

#[tokio::test]
async fn a_claim_needs_a_verified_claimant_and_a_registered_account() {
    let world = World::new().await;
    let (alice, device) = world.registered("alice").await;
    publish(
        &world,
        &device,
        KeyPackagesPut {
            remove: Vec::new(),
            single_use: packages(3),
            last_resort: None,
        },
    )
    .await;
    let stranger = Person::new("stranger");
    let answer = claim(&world, &alice.did, &stranger, &stranger.device(world.now())).await;
    assert_eq!(
        (answer.status, answer.error().as_deref()),
        (StatusCode::FORBIDDEN, Some("not-delegated"))
    );
    let bob = world.person("bob");
    let forged = Person {
        did: bob.did.clone(),
        ..Person::new("x")
    }
    .device(world.now());
    assert_eq!(
        claim(&world, &alice.did, &bob, &forged).await.status,
        StatusCode::FORBIDDEN
    );
    let answer = claim(&world, &stranger.did, &bob, &bob.device(world.now())).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    // Another device of the same account does not sign for this one.
    let (one, two) = (bob.device(world.now()), bob.device(world.now()));
    let mixed = Device {
        key: two.key,
        ..one
    };
    assert_eq!(
        claim(&world, &alice.did, &bob, &mixed).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_claim_for_another_group_never_gets_the_same_package() {
    let world = World::new().await;
    let (alice, device) = world.registered("alice").await;
    let bob = world.person("bob");
    let phone = bob.device(world.now());
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: packages(3),
        last_resort: None,
    };
    publish(&world, &device, put).await;
    let mut handed = Vec::new();
    for id in [[1; 16], [2; 16], [1; 16]] {
        let answer = claim_for(&world, &alice.did, &bob, &phone, id).await;
        let answer: ClaimResponse = answer.decode();
        handed.push(answer.packages[0].package.clone());
    }
    assert_ne!(handed[0], handed[1]);
    assert_eq!(handed[0], handed[2], "a repetition, whose answer was lost");
}

#[tokio::test]
async fn claims_are_limited_per_claimant() {
    let world = World::with(|config| config.limits.claims_per_hour = 2).await;
    let bob = world.person("bob");
    let phone = bob.device(world.now());
    let mut statuses = Vec::new();
    for name in ["alice", "carol", "dora"] {
        let (person, device) = world.registered(name).await;
        publish(
            &world,
            &device,
            KeyPackagesPut {
                remove: Vec::new(),
                single_use: packages(1),
                last_resort: None,
            },
        )
        .await;
        let answer = claim(&world, &person.did, &bob, &phone).await;
        statuses.push((answer.status.as_u16(), answer.retry_after().is_some()));
    }
    assert_eq!(statuses, [(200, false), (200, false), (429, true)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_claims_at_once_never_share_a_single_use_package() {
    let world = World::with(|config| config.limits.single_use_per_day = 1000);
    let world = Arc::new(world.await);
    let (alice, device) = world.registered("alice").await;
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: packages(60),
        last_resort: Some(b"last".to_vec()),
    };
    publish(&world, &device, put).await;
    let claims: Vec<_> = (0..100)
        .map(|i| {
            let (world, did) = (Arc::clone(&world), alice.did.clone());
            tokio::spawn(async move {
                let person = world.person(&format!("p{i}"));
                let device = person.device(world.now());
                let answer: ClaimResponse = claim(&world, &did, &person, &device).await.decode();
                answer.packages.into_iter().next().expect("a package")
            })
        })
        .collect();
    let (mut single, mut last) = (HashSet::new(), 0);
    for task in claims {
        let package = task.await.expect("task");
        if package.last_resort {
            last += 1;
        } else {
            assert!(single.insert(package.package), "handed out twice");
        }
    }
    assert_eq!((single.len(), last), (60, 40));
}

#[tokio::test]
async fn a_repeated_claim_after_a_rotation_is_a_new_one() {
    let world = World::new().await;
    let (alice, device) = world.registered("alice").await;
    let (bob, his) = world.registered("bob").await;
    let put = |name: &str| KeyPackagesPut {
        remove: Vec::new(),
        single_use: vec![name.as_bytes().to_vec()],
        last_resort: None,
    };
    publish(&world, &device, put("before")).await;
    let before: ClaimResponse = claim(&world, &alice.did, &bob, &his).await.decode();
    let again: ClaimResponse = claim(&world, &alice.did, &bob, &his).await.decode();
    assert_eq!(before, again);

    let rotated = Person {
        did: alice.did.clone(),
        ..Person::new("other")
    };
    world.publish_after(&rotated, &[&alice]);
    let device = rotated.certified_again(&device);
    let roster = rotated.roster(2, &[&device]);
    let body = rotated.registration(&device, roster.clone());
    let answer = world
        .owner(&device, Method::POST, paths::REGISTRATIONS, Some(body))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    publish(&world, &device, put("after")).await;
    let after: ClaimResponse = claim(&world, &alice.did, &bob, &his).await.decode();
    assert_eq!(after.roster, roster);
    assert_eq!(after.packages[0].package, b"after");
}

#[tokio::test]
async fn another_device_of_the_claimant_gets_packages_of_its_own() {
    let world = World::new().await;
    let (alice, device) = world.registered("alice").await;
    let (bob, his) = world.registered("bob").await;
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: packages(2),
        last_resort: None,
    };
    publish(&world, &device, put).await;
    let first: ClaimResponse = claim(&world, &alice.did, &bob, &his).await.decode();
    let other = bob.device(world.now());
    let second: ClaimResponse = claim(&world, &alice.did, &bob, &other).await.decode();
    assert_ne!(first.packages, second.packages);
    let again: ClaimResponse = claim(&world, &alice.did, &bob, &his).await.decode();
    assert_eq!(first, again);
}

#[tokio::test]
async fn many_claimants_cannot_drain_one_account_and_it_stays_reachable() {
    let world = World::with(|config| {
        config.limits.single_use_per_day = 4;
        config.limits.single_use_per_claimant = 2;
    });
    let world = world.await;
    let (alice, device) = world.registered("alice").await;
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: packages(10),
        last_resort: Some(b"last".to_vec()),
    };
    publish(&world, &device, put).await;
    let mut last = Vec::new();
    // One account with as many devices as it likes to certify, then others.
    let greedy = world.person("greedy");
    for _ in 0..3 {
        let device = greedy.device(world.now());
        let answer: ClaimResponse = claim(&world, &alice.did, &greedy, &device).await.decode();
        last.push(answer.packages[0].last_resort);
    }
    for name in ["bob", "carol", "dora"] {
        let person = world.person(name);
        let device = person.device(world.now());
        let answer: ClaimResponse = claim(&world, &alice.did, &person, &device).await.decode();
        last.push(answer.packages[0].last_resort);
    }
    assert_eq!(last, [false, false, true, false, false, true]);
    let state: KeyPackagesState = world
        .owner(&device, Method::GET, paths::KEY_PACKAGES, None)
        .await
        .decode();
    assert_eq!(state.single_use.len(), 6);
    // The allowance comes back with time.
    world.clock.forward(6 * 3600);
    let late = world.person("late");
    let his = late.device(world.now());
    let answer: ClaimResponse = claim(&world, &alice.did, &late, &his).await.decode();
    assert!(!answer.packages[0].last_resort);
}

#[tokio::test]
async fn a_claim_right_after_the_claimants_own_rotation_is_answered() {
    let world = World::new().await;
    let (alice, device) = world.registered("alice").await;
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: packages(2),
        last_resort: None,
    };
    publish(&world, &device, put).await;
    let bob = world.person("bob");
    let his = bob.device(world.now());
    assert_eq!(
        claim(&world, &alice.did, &bob, &his).await.status,
        StatusCode::OK
    );
    // Within the same second: the account has another key, and the relay remembers the one before.
    let rotated = Person {
        did: bob.did.clone(),
        ..Person::new("other")
    };
    world.publish(&rotated);
    let again = rotated.certified_again(&his);
    let asked = world
        .published
        .asked
        .load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(
        claim(&world, &alice.did, &rotated, &again).await.status,
        StatusCode::OK
    );
    // Certificates that fit nothing do not have the account asked time and again.
    for _ in 0..3 {
        let forged = Person {
            did: bob.did.clone(),
            ..Person::new("forger")
        };
        let forged = forged.certified_again(&his);
        assert_eq!(
            claim(&world, &alice.did, &bob, &forged).await.status,
            StatusCode::FORBIDDEN
        );
    }
    let since = world
        .published
        .asked
        .load(std::sync::atomic::Ordering::SeqCst)
        - asked;
    assert_eq!(
        since, 1,
        "one for the rotation, and none for the forger within its half minute"
    );
}
