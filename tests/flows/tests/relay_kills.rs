//! Relays, PostgreSQL and disks that fail under load: no put that was promised is lost, none comes
//! again once it was acknowledged. `npm run chaos -- relay` does the same at length.
#![cfg(unix)]

use sotto_testkit::siege::{self, Case, Findings, Plan};

/// A short run; nothing where this machine gives no small disk.
async fn short(case: Case) -> Option<Findings> {
    let plan = Plan {
        puts: 200,
        strikes: 3,
        seed: 7,
    };
    let findings = siege::run(case, plan).await?;
    assert!(findings.is_clean(), "{findings}");
    assert!(findings.refused + findings.broken > 0, "{findings}");
    Some(findings)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_killed_keeps_its_promises() {
    short(Case::Relay).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_over_postgres_that_is_killed_keeps_its_promises() {
    short(Case::RelayOnPostgres).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_relays_that_is_killed_keeps_its_promises() {
    short(Case::OneOfThree).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_keep_their_promises_where_postgres_is_killed() {
    short(Case::Postmaster).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_keep_their_promises_where_postgres_restarts() {
    short(Case::Restart).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_disk_is_full_refuses_and_keeps_its_promises() {
    if let Some(findings) = short(Case::DiskFull).await {
        assert!(findings.refused > 0, "{findings}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_refuses_and_keeps_its_promises_where_the_disk_of_postgres_is_full() {
    if let Some(findings) = short(Case::DiskFullOnPostgres).await {
        assert!(findings.refused > 0, "{findings}");
    }
}
