//! Faults that are brought about on purpose are found.

use super::*;
use crate::plan::{Act, Weather};
use crate::run::on_stage;
use sotto_core::db::DbError;
use sotto_wire::time::{Clock as _, SystemClock};

/// Two who write to one another in fine weather.
fn plan() -> Plan {
    let say = |at, from, to| (at, Act::Say { from, to });
    Plan {
        clients: 2,
        wrong_by_ms: vec![0, 0],
        closed: vec![false, false],
        weather: Weather {
            delay_ms: 5,
            ..Weather::default()
        },
        acts: vec![
            say(1000, 0, 1),
            say(20_000, 1, 0),
            (39_000, Act::Copy { who: 1 }),
            say(40_000, 0, 1),
            say(60_000, 0, 1),
        ],
    }
}

/// What is found after something was done to the second client's database.
fn after(sql: &'static str) -> Findings {
    let found = on_stage(async |dir: &Path| {
        let scene = Scene::set(1, &plan(), SystemClock.now_ms(), false, dir).await?;
        scene.acts().await?;
        let settled = scene.settle().await;
        let app = scene.machines[1].app().unwrap();
        let database = app.database().unwrap();
        let write = database.write(move |tx| Ok::<_, DbError>(tx.execute_batch(sql)?));
        write.await.unwrap();
        scene.judge(settled).await
    });
    found.unwrap()
}

#[test]
fn nothing_done_is_nothing_found() {
    let findings = after("");
    assert_eq!((findings.faults, findings.messages), (Vec::new(), 8));
}

#[test]
fn a_driver_that_loses_doubles_and_reorders_is_found_out() {
    let lost =
        after("DELETE FROM message WHERE id = (SELECT max(id) FROM message WHERE state = 4)");
    assert_eq!((lost.lost, lost.doubled, lost.misordered), (1, 0, 0));
    let doubled = after(
        "INSERT INTO message (id, conversation, state, at, mimi_id, content, text, certificate)
         SELECT id + 1, conversation, state, at, randomblob(32), content, text, certificate
         FROM message WHERE state = 4 LIMIT 1",
    );
    assert_eq!(
        (doubled.lost, doubled.doubled, doubled.misordered),
        (0, 1, 0)
    );
    let misordered = after(
        "UPDATE message SET id = -id
         WHERE id = (SELECT max(id) FROM message WHERE state = 4)",
    );
    assert_eq!(
        (misordered.lost, misordered.doubled, misordered.misordered),
        (0, 0, 1)
    );
}

#[test]
fn a_device_that_goes_back_unseen_has_lost_what_it_had() {
    let found = on_stage(async |dir: &Path| {
        let mut plan = plan();
        plan.acts.push((80_000, Act::GoBack { who: 1 }));
        let scene = Scene::set(1, &plan, SystemClock.now_ms(), false, dir).await?;
        scene.acts().await?;
        let settled = scene.settle().await;
        let seen = scene.judge(settled.clone()).await?;
        scene.went_back.lock().unwrap().clear();
        Ok((seen, scene.judge(settled).await?))
    });
    let (seen, unseen) = found.unwrap();
    assert_eq!((seen.faults, seen.lost, seen.forgotten), (Vec::new(), 0, 2));
    assert_eq!(unseen.lost, 2);
}
