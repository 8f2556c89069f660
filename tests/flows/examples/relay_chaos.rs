//! `npm run chaos -- relay [--puts N] [--strikes N] [--case NAME] [--seed S]`: relays under load,
//! while they, their PostgreSQL or their disk fail again and again. `N` counts for each case.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "an experiment prints what it finds and stops where it cannot go on"
)]

#[cfg(unix)]
#[tokio::main]
async fn main() -> std::process::ExitCode {
    use sotto_testkit::Dice;
    use sotto_testkit::siege::{self, Case, Plan};
    use std::process::ExitCode;

    let given: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = given.iter().position(|it| it == name)?;
        given.get(at + 1)
    };
    let number = |name: &str| value(name).map(|it| it.parse().expect("a number"));
    let plan = Plan {
        puts: number("--puts").unwrap_or(2000),
        strikes: number("--strikes").unwrap_or(5),
        seed: value("--seed").map_or_else(Dice::seed, |it| it.parse().expect("a number")),
    };
    println!("chaos: seed {}", plan.seed);
    let (mut promised, mut clean) = (0, true);
    for case in Case::ALL {
        if value("--case").is_some_and(|it| *it != case.to_string()) {
            continue;
        }
        match siege::run(case, plan).await {
            Some(findings) => {
                println!("{case}: {findings}");
                promised += findings.promised;
                clean &= findings.is_clean();
            }
            None => println!("{case}: not tried, a small filesystem cannot be mounted here"),
        }
    }
    println!("chaos: {promised} puts promised");
    if clean && promised > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(not(unix))]
fn main() {
    println!("only on Unix");
}
