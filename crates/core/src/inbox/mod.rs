//! What has arrived: which frames were seen, how far each peer's group was read, what waits
//! for the user's word, and what could not be read at all.

pub(crate) mod held;
mod progress;
pub(crate) mod quarantine;
pub(crate) mod seen;

pub(crate) use progress::{NewReader, Reader, WINDOW, met_again};
