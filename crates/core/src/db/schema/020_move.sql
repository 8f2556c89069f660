-- Moving to another relay (docs/protocol.md §4.9).

-- The move under way. `published`: the record may name the relay already.
CREATE TABLE own_move (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  domain TEXT NOT NULL,
  published INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Relays that were left, as long as something may still come there. `reached_at`: when everything
-- that lay there had last been fetched.
CREATE TABLE former_relay (
  domain TEXT PRIMARY KEY,
  left_at INTEGER NOT NULL,
  reached_at INTEGER
) STRICT, WITHOUT ROWID;

-- Which relay issued the grant, and whether something came by it.
ALTER TABLE issued_grant ADD COLUMN host TEXT NOT NULL DEFAULT '';
UPDATE issued_grant SET host = coalesce((SELECT domain FROM own_account), '');
ALTER TABLE issued_grant ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
-- Ascending in the order in which grants were given.
ALTER TABLE issued_grant ADD COLUMN given INTEGER NOT NULL DEFAULT 0;

-- Since when the peer's account names another relay than the grant's.
ALTER TABLE held_grant ADD COLUMN left_at INTEGER;
