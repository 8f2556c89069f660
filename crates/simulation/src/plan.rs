//! What a seed stands for: who there is, what they say, and what goes wrong.

use crate::chance::Chance;
use crate::power::Moment;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// What the network does to what it carries. Shares are per mille.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    /// The longest delay of one way.
    pub delay_ms: u64,
    /// Requests, and as many answers, that are lost.
    pub lost: u64,
    /// Requests that arrive twice.
    pub twice: u64,
    /// Event sockets that break within two minutes.
    pub torn: u64,
    /// Answers of the accounts' hosts that are those of before the last change.
    pub stale: u64,
}

/// Something that happens at a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A user writes to another.
    Say {
        /// The one who writes.
        from: usize,
        /// To whom.
        to: usize,
    },
    /// A client, or a relay, cannot be reached.
    CutOff {
        /// Which.
        who: Who,
        /// For how long.
        ms: u64,
    },
    /// The power of a client, or a relay, fails during a write.
    Fail {
        /// Which.
        who: Who,
        /// With which write from now on.
        writes: u64,
        /// Before or after that is committed.
        moment: Moment,
        /// How long it stays off.
        ms: u64,
    },
    /// A client is switched off in order, and on again.
    Off {
        /// Which.
        who: usize,
        /// For how long.
        ms: u64,
    },
    /// Every machine is asleep.
    Sleep {
        /// For how long.
        ms: u64,
    },
    /// Somebody sets a clock.
    SetClock {
        /// Whose.
        who: usize,
        /// By how much it is wrong then.
        wrong_by_ms: i64,
    },
    /// The disk of a client is copied.
    Copy {
        /// Whose.
        who: usize,
    },
    /// A client is switched off, and goes on with the copy.
    GoBack {
        /// Which.
        who: usize,
    },
    /// An account moves to the other relay while its client is off for a moment.
    Move {
        /// Whose.
        who: usize,
    },
    /// The app of a client is installed anew: the account has another device then.
    Reinstall {
        /// Whose.
        who: usize,
    },
}

/// A machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The client with this number.
    Client(usize),
    /// The relay with this number.
    Relay(usize),
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many clients there are.
    pub clients: usize,
    /// By how much their clocks are wrong.
    pub wrong_by_ms: Vec<i64>,
    /// Which of them let nobody in unasked.
    pub closed: Vec<bool>,
    /// The network.
    pub weather: Weather,
    /// What happens, with the time in milliseconds, in order.
    pub acts: Vec<(u64, Act)>,
}

/// The number of relays.
pub const RELAYS: usize = 2;

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let chance = &Chance::new(seed, "plan");
        // Two are enough for most of what can go wrong, and quick.
        let clients = match chance.below(10) {
            0..6 => 2,
            6..9 => 3,
            _ => 4,
        };
        let mut drawn = Drawn {
            chance,
            clients,
            end: chance.between(20, 600) * 1000,
            acts: Vec::new(),
        };
        let weather = drawn.weather();
        drawn.conversations();
        drawn.faults();
        drawn.moves(&Chance::new(seed, "moves"));
        drawn.acts.sort_by_key(|(at, _)| *at);
        let clocks = chance.per_mille(300);
        let wrong = || if clocks { wrong_clock(chance) } else { 0 };
        Self {
            clients,
            wrong_by_ms: (0..clients).map(|_| wrong()).collect(),
            closed: (0..clients).map(|_| chance.per_mille(150)).collect(),
            weather,
            acts: drawn.acts,
        }
    }
}

fn wrong_clock(chance: &Chance) -> i64 {
    let most = match chance.below(4) {
        0 | 1 => 10 * MINUTE_MS,
        2 => DAY_MS,
        _ => 366 * DAY_MS,
    };
    let by = i64::try_from(chance.below(2 * most)).unwrap_or(0);
    by - i64::try_from(most).unwrap_or(0)
}

struct Drawn<'c> {
    chance: &'c Chance,
    clients: usize,
    /// Until when something happens.
    end: u64,
    acts: Vec<(u64, Act)>,
}

impl Drawn<'_> {
    fn sometimes(&self) -> bool {
        self.chance.per_mille(500)
    }

    fn at(&self) -> u64 {
        self.chance.below(self.end)
    }

    fn client(&self) -> usize {
        usize::try_from(self.chance.below(self.clients as u64)).unwrap_or(0)
    }

    fn who(&self) -> Who {
        if self.chance.per_mille(700) {
            Who::Client(self.client())
        } else {
            Who::Relay(usize::try_from(self.chance.below(RELAYS as u64)).unwrap_or(0))
        }
    }

    fn weather(&self) -> Weather {
        let strength = |most| {
            if self.sometimes() {
                self.chance.below(most)
            } else {
                0
            }
        };
        let delay_ms = match self.chance.below(4) {
            0 => 5,
            1 => 200,
            2 => 3_000,
            // A clog: longer than most requests wait.
            _ => 20_000,
        };
        Weather {
            delay_ms,
            lost: strength(300),
            twice: strength(300),
            torn: strength(800),
            stale: strength(200),
        }
    }

    /// Some of them write to some others, more than once, and mostly both ways.
    fn conversations(&mut self) {
        let messages = self.chance.between(2, 16);
        let mut pairs = Vec::new();
        for _ in 0..self.chance.between(1, self.clients as u64) {
            let (one, other) = (self.client(), self.client());
            if one != other {
                pairs.push((one, other));
            }
        }
        if pairs.is_empty() {
            pairs.push((0, 1));
        }
        for _ in 0..messages {
            let &(one, other) = self.chance.of(&pairs).unwrap_or(&(0, 1));
            let (from, to) = if self.sometimes() {
                (one, other)
            } else {
                (other, one)
            };
            // Often several at once: first contacts that cross, batches.
            let at = if self.sometimes() {
                self.at() / 5000 * 5000
            } else {
                self.at()
            };
            self.acts.push((at, Act::Say { from, to }));
        }
    }

    fn faults(&mut self) {
        if self.sometimes() {
            for _ in 0..self.chance.between(1, 3) {
                let ms = self.chance.between(1_000, self.end);
                let act = Act::CutOff {
                    who: self.who(),
                    ms,
                };
                self.acts.push((self.at(), act));
            }
        }
        if self.sometimes() {
            for _ in 0..self.chance.between(1, 6) {
                self.failure();
            }
        }
        if self.sometimes() {
            let ms = self.chance.between(1_000, self.end);
            let act = Act::Off {
                who: self.client(),
                ms,
            };
            self.acts.push((self.at(), act));
        }
        if self.chance.per_mille(200) {
            let ms = match self.chance.below(3) {
                0 => self.chance.between(MINUTE_MS, HOUR_MS),
                1 => self.chance.between(HOUR_MS, DAY_MS),
                _ => self.chance.between(DAY_MS, 6 * DAY_MS),
            };
            self.acts.push((self.at(), Act::Sleep { ms }));
        }
        if self.chance.per_mille(250) {
            let (who, end) = (self.client(), self.end);
            let copied = self.chance.below(end);
            self.acts.push((copied, Act::Copy { who }));
            let back = self.chance.between(copied, end);
            self.acts.push((back, Act::GoBack { who }));
        }
        if self.chance.per_mille(100) {
            let act = Act::Reinstall { who: self.client() };
            self.acts.push((self.at(), act));
        }
        if self.chance.per_mille(200) {
            let act = Act::SetClock {
                who: self.client(),
                wrong_by_ms: wrong_clock(self.chance),
            };
            self.acts.push((self.at(), act));
        }
    }

    /// Of accounts whose devices do not go back to before they moved: those find out from their record,
    /// with a sign-in that there is none of here. (By chance of its own: a seed without moves is the plan that it was.)
    fn moves(&mut self, chance: &Chance) {
        if !chance.per_mille(300) {
            return;
        }
        for _ in 0..chance.between(1, 3) {
            let who = usize::try_from(chance.below(self.clients as u64)).unwrap_or(0);
            let at = chance.below(self.end);
            let back = |(_, act): &(u64, Act)| *act == Act::GoBack { who };
            if !self.acts.iter().any(back) {
                self.acts.push((at, Act::Move { who }));
            }
        }
    }

    fn failure(&mut self) {
        let moment = if self.sometimes() {
            Moment::Before
        } else {
            Moment::After
        };
        let act = Act::Fail {
            who: self.who(),
            writes: self.chance.between(1, 12),
            moment,
            ms: self.chance.between(100, 60_000),
        };
        self.acts.push((self.at(), act));
    }
}
