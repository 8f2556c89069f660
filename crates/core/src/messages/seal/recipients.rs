//! The devices that a frame is sealed for, and how each is reached.

use crate::db::WriteTx;
use crate::messages::EngineError;
use rusqlite::params;
use sotto_wire::device::DeviceId;
use sotto_wire::domain::Domain;
use sotto_wire::frame::SealKey;
use sotto_wire::grant::GrantKey;

/// A device of the peer that reads the own send group.
pub(super) struct Recipient {
    pub(super) row: i64,
    pub(super) device_id: DeviceId,
    /// It has every frame up to this one: no Welcome and no commit that came with them any more.
    pub(super) acked: u64,
    /// `None`, too, where it is silent (docs/protocol.md §3.7).
    pub(super) held: Option<Held>,
}

/// A grant that the device gave.
pub(super) struct Held {
    pub(super) row: i64,
    pub(super) host: Domain,
    pub(super) key: GrantKey,
    pub(super) seal: SealKey,
}

pub(super) fn load(tx: &WriteTx<'_>, group: i64) -> Result<Vec<Recipient>, EngineError> {
    let mut statement = tx.prepare_cached(
        "SELECT device.id, device.device_id, member.acked, held.id, held.host, held.key, held.seal
         FROM send_member member
         JOIN peer_device device ON device.id = member.peer_device
         LEFT JOIN held_grant held ON held.id =
           (SELECT id FROM held_grant WHERE peer_device = device.id AND expires_s > ?2
              AND device.silent = 0
            ORDER BY left_at IS NOT NULL, id DESC LIMIT 1)
         WHERE member.send_group = ?1
         ORDER BY device.id",
    )?;
    let mut rows = statement.query(params![group, tx.now().0])?;
    let mut recipients = Vec::new();
    while let Some(row) = rows.next()? {
        let held: Option<i64> = row.get(3)?;
        let held = match held {
            None => None,
            Some(held) => Some(Held {
                row: held,
                host: Domain::parse(&row.get::<_, String>(4)?)
                    .map_err(|_| crate::db::DbError::Stored("domain"))?,
                key: GrantKey::from_bytes(row.get(5)?),
                seal: SealKey::from_bytes(row.get(6)?),
            }),
        };
        recipients.push(Recipient {
            row: row.get(0)?,
            device_id: DeviceId::from_bytes(row.get(1)?),
            acked: row.get(2)?,
            held,
        });
    }
    Ok(recipients)
}
