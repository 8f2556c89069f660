-- Times are milliseconds since 1970 unless a column ends in _s (seconds, as on the wire).
-- Everything a peer has is per device of the peer, so that accounts with many devices fit.

CREATE TABLE own_account (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  did TEXT NOT NULL,
  handle TEXT NOT NULL,
  domain TEXT NOT NULL,
  delegate_seed BLOB NOT NULL CHECK (length(delegate_seed) = 32),
  device_id BLOB NOT NULL CHECK (length(device_id) = 16),
  device_seed BLOB NOT NULL CHECK (length(device_seed) = 32),
  certificate BLOB NOT NULL,
  roster BLOB NOT NULL,
  roster_seq INTEGER NOT NULL,
  claim_seq INTEGER NOT NULL
) STRICT;

CREATE TABLE peer (
  id INTEGER PRIMARY KEY,
  did TEXT NOT NULL UNIQUE,
  pin TEXT NOT NULL,
  handle TEXT,
  display_name TEXT,
  verified_at INTEGER NOT NULL,
  last_error TEXT,
  -- The newest roster seen of this account.
  roster_seq INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE peer_avatar (
  peer INTEGER PRIMARY KEY REFERENCES peer ON DELETE CASCADE,
  mime TEXT NOT NULL,
  bytes BLOB NOT NULL
) STRICT;

CREATE TABLE peer_device (
  id INTEGER PRIMARY KEY,
  peer INTEGER NOT NULL REFERENCES peer,
  device_id BLOB NOT NULL CHECK (length(device_id) = 16),
  certificate BLOB NOT NULL,
  UNIQUE (peer, device_id)
) STRICT;

CREATE TABLE conversation (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
  peer INTEGER NOT NULL UNIQUE REFERENCES peer,
  created_at INTEGER NOT NULL,
  unread INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The id is the place in the history (messages/place.rs), not the order of arrival.
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL REFERENCES conversation,
  state INTEGER NOT NULL,
  error TEXT,
  at INTEGER NOT NULL,
  mimi_id BLOB NOT NULL CHECK (length(mimi_id) = 32),
  content BLOB NOT NULL,
  text TEXT
) STRICT;
CREATE UNIQUE INDEX message_by_place ON message (conversation, id);
CREATE UNIQUE INDEX message_by_mimi_id ON message (mimi_id);

-- The own send group of a conversation (docs/protocol.md §3).
CREATE TABLE send_group (
  id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL UNIQUE REFERENCES conversation,
  group_id BLOB NOT NULL UNIQUE,
  welcome BLOB NOT NULL,
  first_contact_key BLOB NOT NULL CHECK (length(first_contact_key) = 32),
  next_seq INTEGER NOT NULL DEFAULT 1,
  next_put INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE send_member (
  send_group INTEGER NOT NULL REFERENCES send_group,
  peer_device INTEGER NOT NULL REFERENCES peer_device,
  acked INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (send_group, peer_device)
) STRICT, WITHOUT ROWID;

-- Send groups of other devices that this device reads.
CREATE TABLE read_group (
  id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL REFERENCES conversation,
  peer_device INTEGER NOT NULL REFERENCES peer_device,
  group_id BLOB NOT NULL UNIQUE,
  welcome_digest BLOB NOT NULL UNIQUE CHECK (length(welcome_digest) = 32),
  first_contact_key BLOB NOT NULL CHECK (length(first_contact_key) = 32),
  processed INTEGER NOT NULL DEFAULT 0,
  ack_due INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX read_group_by_conversation ON read_group (conversation);
CREATE INDEX read_group_with_ack_due ON read_group (conversation) WHERE ack_due = 1;

-- Frames that came before one that was sent earlier.
CREATE TABLE early_frame (
  read_group INTEGER NOT NULL REFERENCES read_group,
  seq INTEGER NOT NULL,
  message INTEGER,
  PRIMARY KEY (read_group, seq)
) STRICT, WITHOUT ROWID;

-- What waits to be sealed: a message, or 0 for a frame without one, which goes first. With a seq
-- it is sealed under that number once more.
CREATE TABLE outbox (
  conversation INTEGER NOT NULL REFERENCES conversation,
  message INTEGER NOT NULL,
  seq INTEGER,
  PRIMARY KEY (conversation, message)
) STRICT, WITHOUT ROWID;

-- Sequenced frames not acknowledged by every device yet.
CREATE TABLE frame (
  send_group INTEGER NOT NULL REFERENCES send_group,
  seq INTEGER NOT NULL,
  message INTEGER,
  sealed_at INTEGER NOT NULL,
  given_up INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (send_group, seq)
) STRICT, WITHOUT ROWID;

-- Sealed bytes and where they go. No peer device: the DID mailbox, for all devices without grant.
-- No seq: acknowledgements only.
-- An id is never used again (send_group.next_put): the outcome of a put is noted by id, and may
-- come after its row went.
CREATE TABLE put (
  id INTEGER PRIMARY KEY,
  send_group INTEGER NOT NULL REFERENCES send_group,
  seq INTEGER,
  peer_device INTEGER REFERENCES peer_device,
  held_grant INTEGER REFERENCES held_grant,
  bytes BLOB NOT NULL,
  next_at INTEGER NOT NULL,
  accepted INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0
) STRICT;
-- One index for everything: each index is a page more to encrypt and sync with every message.
CREATE INDEX put_by_frame ON put (send_group, seq, peer_device, accepted, next_at);

-- Grants at our relay; with a peer device once given to it.
CREATE TABLE issued_grant (
  id INTEGER PRIMARY KEY,
  address TEXT NOT NULL UNIQUE,
  key BLOB NOT NULL CHECK (length(key) = 32),
  seal BLOB NOT NULL CHECK (length(seal) = 32),
  expires_s INTEGER NOT NULL,
  peer_device INTEGER REFERENCES peer_device
) STRICT;
CREATE INDEX issued_grant_by_device ON issued_grant (peer_device, expires_s);

-- Grants that peers gave to us; the newest of a device counts.
CREATE TABLE held_grant (
  id INTEGER PRIMARY KEY,
  peer_device INTEGER NOT NULL REFERENCES peer_device,
  host TEXT NOT NULL,
  key BLOB NOT NULL CHECK (length(key) = 32),
  seal BLOB NOT NULL CHECK (length(seal) = 32),
  expires_s INTEGER NOT NULL,
  UNIQUE (peer_device, key)
) STRICT;

-- No read group: acknowledgements only.
CREATE TABLE seen_frame (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
  read_group INTEGER REFERENCES read_group,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE seen_nonce (
  did TEXT NOT NULL,
  nonce BLOB NOT NULL CHECK (length(nonce) = 16),
  at INTEGER NOT NULL,
  PRIMARY KEY (did, nonce)
) STRICT, WITHOUT ROWID;

-- Envelopes that could not be processed, bounded (inbox/quarantine.rs).
CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  conversation INTEGER REFERENCES conversation,
  address TEXT,
  code TEXT NOT NULL,
  bytes BLOB NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_by_conversation ON quarantine (conversation, code);

CREATE TABLE key_package (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
  reference BLOB NOT NULL UNIQUE,
  kind INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  created_s INTEGER NOT NULL,
  expires_s INTEGER NOT NULL,
  published INTEGER NOT NULL DEFAULT 0,
  used INTEGER NOT NULL DEFAULT 0
) STRICT;

-- MLS state, one row per value that openmls keeps (mls/storage.rs). A rowid table on purpose:
-- values of two kilobytes would overflow in an index b-tree.
CREATE TABLE mls_state (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  owner BLOB NOT NULL,
  item BLOB NOT NULL,
  value BLOB NOT NULL,
  UNIQUE (owner, kind, item)
) STRICT;
