//! What a simulation (`crates/simulation`) is told about a database, and what it decides: whether
//! the machine still has power.

/// Looks on while a database is written.
pub trait Watch: Send + Sync {
    /// A read or a write begins; `false`: the machine has no power, nothing happens.
    fn begins(&self) -> bool;

    /// A write is about to be committed; `false`: the power fails just before, nothing of the write
    /// is left.
    fn commits(&self) -> bool;

    /// A write is committed; `false`: the power fails right after, before anyone learns of it.
    fn committed(&self) -> bool;

    /// The write under way has encrypted `data` under an AEAD key and a nonce.
    fn encrypted(&self, key: &[u8], nonce: &[u8], data: &[u8]);
}
