-- Commits of the own send groups, and what decides about the next one (docs/protocol.md §3.8).

-- Which opening of this database last sealed in the group (`WriteTx::session`). None: the next frame
-- brings a commit.
ALTER TABLE send_group ADD COLUMN session BLOB;
-- When the present epoch began, and how many messages were sealed in it.
ALTER TABLE send_group ADD COLUMN epoch_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE send_group ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;
-- Made with a last-resort key package, and not healed since.
ALTER TABLE send_group ADD COLUMN last_resort INTEGER NOT NULL DEFAULT 0;

-- The epoch in which the peer's group is read. Without a commit it is the one of its Welcome.
ALTER TABLE read_group ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;

-- Own commits that not every member has acknowledged: out of which epoch, and the number of the first
-- frame sealed after it. As long as the row is there, so is the secret of that epoch.
CREATE TABLE own_commit (
  id INTEGER PRIMARY KEY,
  send_group INTEGER NOT NULL REFERENCES send_group ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  UNIQUE (send_group, epoch)
) STRICT;

-- The newest epoch of a peer's group that a commit of the own one has mixed in.
CREATE TABLE mixed_epoch (
  send_group INTEGER NOT NULL REFERENCES send_group ON DELETE CASCADE,
  read_group INTEGER NOT NULL REFERENCES read_group ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  PRIMARY KEY (send_group, read_group)
) STRICT, WITHOUT ROWID;

-- Epochs of retired groups whose secrets a commit of the peer may still name.
CREATE TABLE retired_epoch (
  group_id BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  conversation INTEGER NOT NULL REFERENCES conversation,
  at INTEGER NOT NULL,
  PRIMARY KEY (group_id, epoch)
) STRICT, WITHOUT ROWID;
