//! Alice and Bob: from first contact to delivery, with everything that can go wrong in between.

mod attachments;
mod content;
mod crash;
mod delivery;
mod drafts;
mod first_contact;
mod first_contact_orders;
mod healing;
mod hostile;
mod key_packages;
mod origin;
mod reading;
mod relocate;
mod repair;
mod requests;
mod residue;
mod rotation;
mod trouble;
