//! Where a message came from, step by step, each checked when it is asked for.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A message, its device, the device's key, and what says that the key is the account's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProvenanceView {
    /// The message.
    #[ts(type = "number")]
    pub message_id: i64,
    /// Whether the user wrote it.
    pub mine: bool,
    /// From the message to what vouches for its key.
    pub lines: Vec<ProvenanceLineView>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProvenanceLineView {
    /// Which one.
    pub step: ProvenanceStep,
    /// What was found.
    pub finding: ProvenanceFinding,
    /// What that means.
    pub outcome: ProvenanceOutcome,
    /// Names the thing: message id, device id, `did:key`, CID.
    pub value: Option<String>,
    /// Revision of the repository that the record was in.
    pub revision: Option<String>,
    /// Milliseconds since 1970 of the thing itself: written or arrived, certified, claimed,
    /// committed, logged.
    #[ts(type = "number | null")]
    pub at: Option<i64>,
    /// When it ends.
    #[ts(type = "number | null")]
    pub until: Option<i64>,
    /// When it was looked at: compared by the user (key), verified by this device (record).
    #[ts(type = "number | null")]
    pub seen_at: Option<i64>,
}

/// The steps, from the message outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum ProvenanceStep {
    /// What was written.
    Message,
    /// Which device wrote it.
    Device,
    /// The delegate key that certified the device.
    Key,
    /// The record that names the key.
    Record,
    /// The operation in the public log that put the key into the DID document.
    Operation,
}

/// What a step comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum ProvenanceOutcome {
    /// Checked just now, from what is stored.
    Checked,
    /// Checked earlier and noted; what is stored does not allow to check it again.
    Noted,
    /// Checked just now, and it does not hold.
    Failed,
    /// Not recorded.
    Missing,
    /// There is no such thing for this account.
    NotApplicable,
}

/// What was found at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum ProvenanceFinding {
    /// Content, sender and conversation still give the message's id.
    ContentUnchanged,
    /// They do not.
    ContentChanged,
    /// The certificate names the account and a device.
    DeviceCertified,
    /// The same, and the device is this one.
    ThisDevice,
    /// The certificate had expired when the message was written or arrived.
    CertificateExpired,
    /// The certificate is for another account.
    CertificateOfOther,
    /// The certificate cannot be read.
    CertificateUnreadable,
    /// It was not recorded which device wrote the message.
    DeviceNotRecorded,
    /// The certificate is signed by the key that the account has now.
    PresentKey,
    /// It is signed by an older key, whose succession leads to the present one.
    EarlierKey,
    /// It is signed by neither.
    UnknownKey,
    /// Without a certificate nothing leads to a key.
    KeyNotRecorded,
    /// The account was verified, and the record with it.
    RecordVerified,
    /// What is known of the account is not stored.
    RecordNotRecorded,
    /// The operation log was verified, and this operation put the key there.
    OperationVerified,
    /// No operation is recorded that names the key.
    OperationNotRecorded,
    /// The account's method has no public log.
    NoLog,
}
