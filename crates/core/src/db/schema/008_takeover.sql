-- The key with which this device is about to take the account over, as long as the DID document has
-- to name it first (docs/protocol.md §1.10 to §1.12).
CREATE TABLE own_takeover (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  delegate_seed BLOB NOT NULL CHECK (length(delegate_seed) = 32),
  -- 1: the key that the record names, 0: a new one.
  known INTEGER NOT NULL CHECK (known IN (0, 1))
) STRICT;
