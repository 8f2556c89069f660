//! The commands of the user interface by topic, each one line where it can be: the work is in the
//! modules beside this one.

mod conversations;
mod keys;
mod life;
mod messages;
mod relay;
mod trust;
