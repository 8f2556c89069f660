-- How the own key stood in the account's DID document when that was looked at last
-- (docs/protocol.md §1.7), to be shown without asking anyone.
CREATE TABLE own_anchor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  delegate_key BLOB NOT NULL CHECK (length(delegate_key) = 32),
  -- 0: no key there, 1: this key, 2: another one.
  standing INTEGER NOT NULL CHECK (standing IN (0, 1, 2)),
  -- Since when it has been so.
  since INTEGER NOT NULL,
  checked_at INTEGER NOT NULL
) STRICT;
