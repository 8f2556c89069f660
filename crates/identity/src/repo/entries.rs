//! The parts of a proof without the commit's signature, for the fuzz targets.

use serde_json::Value;

use super::car::Car;
use super::{ProofError, dag_cbor, mst};

/// Whether the tree whose root is the root of this CAR has a record at `key`.
///
/// # Errors
/// [`ProofError`].
pub fn tree(car: &[u8], key: &str) -> Result<bool, ProofError> {
    let car = Car::parse(car)?;
    Ok(mst::find(&car, &car.root(), key)?.is_some())
}

/// A record's block.
///
/// # Errors
/// [`ProofError`].
pub fn dag_cbor(block: &[u8]) -> Result<Value, ProofError> {
    dag_cbor::to_json(block)
}
