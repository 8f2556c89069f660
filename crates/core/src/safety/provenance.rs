//! Where a message came from, step by step. Each step is checked anew, from what is stored.

use crate::db::{OwnAccount, Peer};
use crate::messages::origin::Origin;
use crate::views::{
    ProvenanceFinding as Finding, ProvenanceLineView, ProvenanceOutcome as Outcome,
    ProvenanceStep as Step, ProvenanceView,
};
use sotto_identity::verify::Evidence;
use sotto_wire::content;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use sotto_wire::time::Timestamp;

/// All steps of a message, from the message outwards.
pub(crate) fn check(origin: &Origin, own: &OwnAccount) -> ProvenanceView {
    let account = origin.account.as_ref();
    let evidence = account.map(|account| account.pin.evidence.clone());
    let evidence = evidence.unwrap_or_default();
    ProvenanceView {
        message_id: origin.message,
        mine: origin.mine,
        lines: vec![
            message(origin),
            device(origin, own),
            key(origin, account, &evidence),
            record(account, &evidence),
            operation(&origin.sender, &evidence),
        ],
    }
}

fn message(origin: &Origin) -> ProvenanceLineView {
    let id = content::message_id(&origin.sender, &origin.conversation, &origin.content);
    let finding = match id {
        Ok(id) if id == origin.mimi_id => Finding::ContentUnchanged,
        _ => Finding::ContentChanged,
    };
    ProvenanceLineView {
        value: Some(hex::encode(origin.mimi_id)),
        at: Some(signed(origin.at)),
        ..line(Step::Message, finding)
    }
}

fn device(origin: &Origin, own: &OwnAccount) -> ProvenanceLineView {
    let Some(object) = &origin.certificate else {
        return line(Step::Device, Finding::DeviceNotRecorded);
    };
    let Ok(certificate) = DeviceCertificate::parse_unverified(object) else {
        return line(Step::Device, Finding::CertificateUnreadable);
    };
    let finding = if certificate.did != origin.sender {
        Finding::CertificateOfOther
    } else if certificate.is_expired(Timestamp(origin.at / 1000)) {
        Finding::CertificateExpired
    } else if origin.mine && certificate.device_id == own.device_id {
        Finding::ThisDevice
    } else {
        Finding::DeviceCertified
    };
    ProvenanceLineView {
        value: Some(certificate.device_id.hex()),
        at: Some(milliseconds(certificate.issued_at)),
        until: Some(milliseconds(certificate.expires_at)),
        ..line(Step::Device, finding)
    }
}

fn key(origin: &Origin, account: Option<&Peer>, evidence: &Evidence) -> ProvenanceLineView {
    let Some(object) = &origin.certificate else {
        return line(Step::Key, Finding::KeyNotRecorded);
    };
    let signed_by = |key: &&PublicKey| {
        DeviceCertificate::verify_at_any_time(object, key, &origin.sender).is_ok()
    };
    let Some(account) = account else {
        return line(Step::Key, Finding::UnknownKey);
    };
    let pin = &account.pin;
    if signed_by(&&pin.key) {
        return ProvenanceLineView {
            value: Some(pin.key.to_did_key()),
            at: evidence.claim_issued_at.map(milliseconds),
            seen_at: account.confirmed_at.map(signed),
            ..line(Step::Key, Finding::PresentKey)
        };
    }
    match pin.predecessors.iter().rev().find(signed_by) {
        Some(earlier) => ProvenanceLineView {
            value: Some(earlier.to_did_key()),
            ..line(Step::Key, Finding::EarlierKey)
        },
        None => line(Step::Key, Finding::UnknownKey),
    }
}

fn record(account: Option<&Peer>, evidence: &Evidence) -> ProvenanceLineView {
    let Some(account) = account else {
        return line(Step::Record, Finding::RecordNotRecorded);
    };
    let revision = &account.pin.repo_rev;
    ProvenanceLineView {
        value: evidence.record_cid.clone(),
        revision: Some(revision.to_string()),
        at: Some(milliseconds(Timestamp(revision.seconds()))),
        seen_at: Some(signed(account.verified_at)),
        ..line(Step::Record, Finding::RecordVerified)
    }
}

fn operation(account: &Did, evidence: &Evidence) -> ProvenanceLineView {
    match &evidence.anchored {
        Some(operation) => ProvenanceLineView {
            value: Some(operation.cid.clone()),
            at: Some(signed(operation.created_at)),
            ..line(Step::Operation, Finding::OperationVerified)
        },
        None if account.as_str().starts_with("did:plc:") => {
            line(Step::Operation, Finding::OperationNotRecorded)
        }
        None => line(Step::Operation, Finding::NoLog),
    }
}

fn line(step: Step, finding: Finding) -> ProvenanceLineView {
    ProvenanceLineView {
        step,
        finding,
        outcome: outcome(finding),
        value: None,
        revision: None,
        at: None,
        until: None,
        seen_at: None,
    }
}

fn outcome(finding: Finding) -> Outcome {
    match finding {
        Finding::ContentUnchanged
        | Finding::DeviceCertified
        | Finding::ThisDevice
        | Finding::PresentKey
        | Finding::EarlierKey => Outcome::Checked,
        // The proofs themselves are not kept.
        Finding::RecordVerified | Finding::OperationVerified => Outcome::Noted,
        Finding::ContentChanged
        | Finding::CertificateExpired
        | Finding::CertificateOfOther
        | Finding::CertificateUnreadable
        | Finding::UnknownKey => Outcome::Failed,
        Finding::DeviceNotRecorded
        | Finding::KeyNotRecorded
        | Finding::RecordNotRecorded
        | Finding::OperationNotRecorded => Outcome::Missing,
        Finding::NoLog => Outcome::NotApplicable,
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

fn milliseconds(time: Timestamp) -> i64 {
    signed(time.0.saturating_mul(1000))
}

#[cfg(test)]
mod tests;
