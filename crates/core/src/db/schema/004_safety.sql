-- The key that the users compared (docs/protocol.md §1.8), and when.
ALTER TABLE peer ADD COLUMN confirmed_key BLOB
  CHECK (confirmed_key IS NULL OR length(confirmed_key) = 32);
ALTER TABLE peer ADD COLUMN confirmed_at INTEGER;

-- Certificates of the devices that wrote messages, as they were then.
CREATE TABLE certificate (
  id INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL UNIQUE
) STRICT;

-- NULL: written before this was recorded.
ALTER TABLE message ADD COLUMN certificate INTEGER REFERENCES certificate;
