-- From whom first contacts are let in, and those that were not (docs/protocol.md §3.5).

-- Not published: the delegation record may still say what it said before.
CREATE TABLE incoming (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  policy TEXT NOT NULL,
  published INTEGER NOT NULL,
  -- Requests that went for want of room since the user last had none.
  dropped INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO incoming (id, policy, published) VALUES (1, 'everyone', 1);

-- Envelopes that wait for the user's word, as they came. Nothing of them is anywhere else: no
-- conversation, no group, no acknowledgement.
CREATE TABLE held_envelope (
  id INTEGER PRIMARY KEY,
  peer INTEGER NOT NULL REFERENCES peer,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  bytes BLOB NOT NULL,
  welcome_digest BLOB NOT NULL CHECK (length(welcome_digest) = 32),
  seq INTEGER NOT NULL,
  -- Whether it brings a message, and what that says; no text: not supported by this version.
  brings_message INTEGER NOT NULL,
  text TEXT,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX held_envelope_by_peer ON held_envelope (peer, id);

-- Frames that were turned away: if their sender is let in later, they must not be gaps.
CREATE TABLE declined_frame (
  id INTEGER PRIMARY KEY,
  welcome_digest BLOB NOT NULL CHECK (length(welcome_digest) = 32),
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (welcome_digest, seq)
) STRICT;
