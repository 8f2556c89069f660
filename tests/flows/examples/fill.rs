//! Gives an account a long past: 500,000 messages in 1,000 conversations, the longest with whom it
//! began the first. For `tests/desktop/cold-start.mjs`.
//!
//! The environment is that of the app, which must have been set up and must not be running. Prints
//! how many messages there are then.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "part of a bench, which stops where something is wrong"
)]

#[path = "../../../crates/core/benches/size/past.rs"]
#[expect(dead_code, reason = "the bench uses the rest")]
mod past;
#[path = "../../../crates/core/src/testing.rs"]
#[expect(dead_code, unreachable_pub, reason = "the tests use the rest")]
mod testing;

use past::Size;
use sotto_core::app::{App, Browser, Config};
use sotto_core::db::DbError;
use sotto_core::views::ErrorView;
use sotto_wire::time::{Clock as _, SystemClock};
use std::sync::Arc;
use tokio::runtime::Runtime;

struct NoBrowser;

impl Browser for NoBrowser {
    fn open(&self, _: &str) -> Result<(), ErrorView> {
        Err(ErrorView::new("oauth.browser"))
    }
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let config = Config::from_env(Arc::new(NoBrowser)).unwrap();
    let app = runtime.block_on(App::start(config)).unwrap();
    let database = app.database().unwrap();
    // The peers are nobody: they are not to be looked for meanwhile.
    past::fill(&database, Size::FULL, SystemClock.now_ms());
    let counting = database.read_blocking::<_, DbError>(|tx| {
        let sql = "SELECT count(*) FROM message";
        Ok(tx.query_row(sql, [], |row| row.get::<_, i64>(0))?)
    });
    println!("{}", counting.unwrap());
    drop(database);
    runtime.block_on(app.shutdown());
}
