-- The PLC operation logs of accounts as they were verified last (docs/protocol.md §1.5): only ever
-- extended. Not in peer.pin, which is read with every message.
CREATE TABLE plc_log (
  did TEXT PRIMARY KEY,
  known BLOB NOT NULL
) STRICT;
