-- Loss and repair (docs/protocol.md §3.7), and lines of the timeline that are no messages.

-- Not NULL: a line of the timeline with this code; no content, no text, nobody's message.
ALTER TABLE message ADD COLUMN notice TEXT;

-- When a line of this kind was last put into a conversation.
CREATE TABLE noticed (
  conversation INTEGER NOT NULL REFERENCES conversation,
  code TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (conversation, code)
) STRICT, WITHOUT ROWID;

-- The links of frames: zeros for no mark, or none that is known.
ALTER TABLE send_group ADD COLUMN mark BLOB NOT NULL DEFAULT x'0000000000000000';
ALTER TABLE frame ADD COLUMN mark BLOB NOT NULL DEFAULT x'0000000000000000';
ALTER TABLE frame ADD COLUMN after BLOB NOT NULL DEFAULT x'0000000000000000';
ALTER TABLE read_group ADD COLUMN mark BLOB NOT NULL DEFAULT x'0000000000000000';
ALTER TABLE early_frame ADD COLUMN mark BLOB NOT NULL DEFAULT x'0000000000000000';
ALTER TABLE early_frame ADD COLUMN after BLOB NOT NULL DEFAULT x'0000000000000000';

-- When a frame of the group was read last; 0: not since this was recorded.
ALTER TABLE read_group ADD COLUMN heard_at INTEGER NOT NULL DEFAULT 0;
-- How often, and when last, what could not be decrypted was answered since then.
ALTER TABLE read_group ADD COLUMN nudges INTEGER NOT NULL DEFAULT 0;
ALTER TABLE read_group ADD COLUMN nudged_at INTEGER NOT NULL DEFAULT 0;

-- The peer's device may not know it: it is given another one with the next frame.
ALTER TABLE issued_grant ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;
-- Cut off on purpose: what comes by it is refused and means nothing. Its keys are zeros.
ALTER TABLE issued_grant ADD COLUMN void INTEGER NOT NULL DEFAULT 0;

-- Send groups of the peer that cannot be read: 16 bytes, a group id; 32 bytes, the SHA-256 of a
-- Welcome. `due`: to be named in the next frame.
CREATE TABLE lost_group (
  conversation INTEGER NOT NULL REFERENCES conversation,
  name BLOB NOT NULL,
  peer_device INTEGER REFERENCES peer_device,
  due INTEGER NOT NULL,
  times INTEGER NOT NULL DEFAULT 0,
  asked_at INTEGER NOT NULL DEFAULT 0,
  since INTEGER NOT NULL,
  PRIMARY KEY (conversation, name)
) STRICT, WITHOUT ROWID;

-- When the own send group of a conversation was last replaced for the sake of repair, and which
-- one is to be replaced at `due_at`.
CREATE TABLE renewal (
  conversation INTEGER PRIMARY KEY REFERENCES conversation,
  renewed_at INTEGER NOT NULL,
  send_group INTEGER,
  due_at INTEGER
) STRICT;

-- When everything was last begun anew, as this device's data was older than what it had done.
CREATE TABLE set_back (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  at INTEGER NOT NULL
) STRICT;
