//! One of the two: the `sotto` program on a data directory, given a line to send now and then.

use sotto_testkit::{Cli, Client, Dice};
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;
use tokio::task::JoinHandle;

/// The longest time between two messages of one person, in milliseconds.
const BETWEEN_MESSAGES: u64 = 400;
/// Longer than two checks are apart, in seconds: the program must not end by itself.
const LIFETIME: &str = "86400";

pub(crate) struct Person {
    pub(crate) client: Client,
    to: String,
    dice: Dice,
    /// How often the program was started.
    life: usize,
    running: Option<Running>,
}

struct Running {
    program: Child,
    writing: JoinHandle<()>,
}

impl Person {
    pub(crate) fn new(client: Client, to: &str, dice: Dice) -> Self {
        Self {
            client,
            to: to.to_owned(),
            dice,
            life: 0,
            running: None,
        }
    }

    /// To whom the lines go.
    pub(crate) fn writes_to(&mut self, other: &Self) {
        self.to.clone_from(&other.client.account.handle);
    }

    pub(crate) async fn stop_app(&mut self) {
        self.client.stop().await;
    }

    /// Starts the program. Each message says in which life of the program it was given, and as
    /// which one: what was given and never written shows as a gap at the end of a life only.
    pub(crate) fn begin(&mut self) {
        self.life += 1;
        let arguments = [
            "send",
            &self.to,
            "-",
            "--wait",
            "delivered",
            "--timeout",
            LIFETIME,
        ];
        let mut command = Cli::of(&self.client).command(&arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut program = command.spawn().expect("sotto starts");
        let mut stdin = program.stdin.take().expect("piped");
        let (life, mut dice) = (self.life, self.dice.fork());
        let writing = tokio::spawn(async move {
            for number in 1.. {
                if stdin
                    .write_all(format!("{life}.{number}\n").as_bytes())
                    .is_err()
                {
                    return;
                }
                dice.pause(BETWEEN_MESSAGES).await;
            }
        });
        self.running = Some(Running { program, writing });
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.writing.abort();
            running.program.kill().expect("it can be killed");
            running.program.wait().expect("it ends");
        }
    }

    /// The app in this process, on what the killed program has left.
    pub(crate) async fn start_app(&mut self) {
        let until = tokio::time::Instant::now() + crate::PATIENCE;
        while let Err(error) = self.client.start().await {
            assert!(tokio::time::Instant::now() < until, "{error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.kill();
    }
}
