//! What one has written, held against what the other has got.

use crate::PATIENCE;
use crate::person::Person;
use sotto_core::views::MessageView;
use sotto_testkit::Client;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// The sums over all checks so far.
#[derive(Default)]
pub(crate) struct Tally {
    messages: usize,
    lost: usize,
    doubled: usize,
    misordered: usize,
    /// Of each person, the last message that was compared.
    compared: [i64; 2],
}

impl Tally {
    pub(crate) fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.misordered == 0
    }

    /// Kills both programs, lets both apps come to rest in this process, and compares what is there
    /// since the last time.
    pub(crate) async fn check(&mut self, people: &mut [Person; 2]) {
        for person in people.iter_mut() {
            person.kill();
            person.start_app().await;
        }
        let [alice, bob] = people;
        let until = Instant::now() + PATIENCE;
        let histories = loop {
            let histories = [
                since(&alice.client, &bob.client, self.compared[0]).await,
                since(&bob.client, &alice.client, self.compared[1]).await,
            ];
            if is_at_rest(&histories) || Instant::now() > until {
                break histories;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        if !is_at_rest(&histories) {
            println!(
                "{}\nnot at rest: what the apps said last is above",
                last_words()
            );
        }
        let [one, other] = &histories;
        self.compare(&texts(one, true), &texts(other, false));
        self.compare(&texts(other, true), &texts(one, false));
        for (compared, history) in self.compared.iter_mut().zip(&histories) {
            *compared = history.iter().map(|it| it.id).fold(*compared, i64::max);
        }
        alice.stop_app().await;
        bob.stop_app().await;
    }

    fn compare(&mut self, written: &[&str], heard: &[&str]) {
        self.messages += written.len();
        let unique: BTreeSet<_> = heard.iter().collect();
        self.doubled += heard.len() - unique.len();
        self.lost += written.iter().filter(|it| !unique.contains(it)).count();
        let place: BTreeMap<_, _> = written.iter().zip(0..).collect();
        let places: Vec<_> = heard.iter().map(|it| place.get(it)).collect();
        self.misordered += places.iter().filter(|it| it.is_none()).count();
        self.misordered += usize::from(!places.is_sorted());
        self.lost += gaps(written);
    }
}

/// Messages that a life of the program was given and that are missing before a later one of the same
/// life: its app took them, and lost them itself.
fn gaps(written: &[&str]) -> usize {
    let mut last = ("", 0);
    let mut gaps = 0;
    for text in written {
        let Some((life, number)) = text.split_once('.') else {
            continue;
        };
        let number: usize = number.parse().unwrap();
        let expected = if life == last.0 { last.1 + 1 } else { 1 };
        gaps += usize::from(number != expected);
        last = (life, number);
    }
    gaps
}

/// The end of what both apps have logged since they were started.
fn last_words() -> String {
    let logged = sotto_testkit::logged();
    let lines: Vec<_> = logged.lines().rev().take(200).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

fn is_at_rest([one, other]: &[Vec<MessageView>; 2]) -> bool {
    texts(one, true).len() <= texts(other, false).len()
        && texts(other, true).len() <= texts(one, false).len()
}

fn texts(history: &[MessageView], mine: bool) -> Vec<&str> {
    let said = history.iter().filter(|it| it.mine == mine);
    said.filter_map(|it| it.text.as_deref()).collect()
}

/// The messages with someone after the one with the id `last`, oldest first.
async fn since(client: &Client, with: &Client, last: i64) -> Vec<MessageView> {
    let conversation = client.conversation(with).await;
    let mut found: Vec<MessageView> = Vec::new();
    loop {
        let before = found.first().map(|message| message.id);
        let page = client.app().messages(conversation.clone(), before, 200);
        let mut page = page.await.unwrap();
        let reached = page.is_empty() || page.iter().any(|message| message.id <= last);
        page.retain(|message| message.id > last);
        page.append(&mut found);
        found = page;
        if reached {
            return found;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            messages,
            lost,
            doubled,
            misordered,
            ..
        } = self;
        write!(
            f,
            "{messages} messages, lost {lost}, doubled {doubled}, misordered {misordered}"
        )
    }
}
