//! Inputs and outputs of the PDS API.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::*;
use crate::{claim::Incoming, delegation::DelegationRecord, pds_api::*};

const CID: &str = "bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae";

fn case<T>(name: &str, value: &T) -> Value
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let json = serde_json::to_value(value).unwrap();
    assert_eq!(serde_json::from_value::<T>(json.clone()).unwrap(), *value);
    json!({ "name": name, "json": json })
}

#[test]
fn methods() {
    let record = DelegationRecord {
        key: key(1).public(),
        domain: relay(),
        claim: vec![1, 2, 3, 4],
        succession: vec![vec![5]],
        incoming: Incoming::Everyone,
        created_at: NOW.rfc3339(),
    };
    let audience = Audience::new(&Did::parse("did:web:pds.example").unwrap()).unwrap();
    let get = |record: Option<&DelegationRecord>| GetOutput {
        did: alice(),
        audience: audience.clone(),
        record: record.map(DelegationRecord::to_json),
        cid: record.map(|_| CID.to_owned()),
        car: vec![0xca, 0xf0],
        document_key: record.map(|record| record.key.to_did_key()),
    };
    let create = CreateInput {
        record: record.to_json(),
        unendorsed: false,
    };
    let update = UpdateInput {
        record: record.to_json(),
        swap_record: CID.to_owned(),
        unendorsed: true,
    };
    let delete = DeleteInput {
        swap_record: CID.to_owned(),
    };
    let written = WriteOutput {
        uri: format!("at://{}/chat.sotto.delegation/self", alice()),
        cid: CID.to_owned(),
        document_key: record.key.to_did_key(),
    };
    check(
        "pds_api",
        "1.9",
        json!([
            case("createDelegation input", &create),
            case("updateDelegation input", &update),
            case("deleteDelegation input", &delete),
            case("createDelegation and updateDelegation output", &written),
            case("getDelegation output", &get(Some(&record))),
            case("getDelegation output, no record", &get(None)),
            json!({ "name": "OAuth scope", "audience": audience, "scope": audience.scope() }),
        ]),
    );
}
