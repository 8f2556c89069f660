-- Files that go with messages (docs/protocol.md §4.8, §5). Their bytes are beside the database,
-- encrypted under keys that are only here.

CREATE TABLE attachment (
  -- AUTOINCREMENT: a folder has this number as its name, and may be cleared after its row went.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  place INTEGER NOT NULL,
  name TEXT NOT NULL,
  mime TEXT NOT NULL,
  size INTEGER NOT NULL,
  -- Own ones get them when the file has been read.
  key BLOB CHECK (key IS NULL OR length(key) = 32),
  nonce BLOB CHECK (nonce IS NULL OR length(nonce) = 12),
  url TEXT,
  -- 0 to be read, 1 to be uploaded, 2 at the relay, 3 to be fetched, 4 here, 5 failed, 6 gone.
  state INTEGER NOT NULL,
  error TEXT,
  -- The file to be read, and when it was changed last (nanoseconds since 1970), as text and number.
  source TEXT,
  source_changed INTEGER,
  thumbnail BLOB,
  width INTEGER,
  height INTEGER,
  next_at INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  UNIQUE (message, place)
) STRICT;
CREATE INDEX attachment_under_way ON attachment (next_at) WHERE state IN (0, 1, 3);

-- Objects of an attachment; place -1 is the manifest. Done: at the own relay, and once it has a URL:
-- here.
CREATE TABLE attachment_piece (
  attachment INTEGER NOT NULL REFERENCES attachment ON DELETE CASCADE,
  place INTEGER NOT NULL,
  name BLOB NOT NULL CHECK (length(name) = 32),
  done INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (attachment, place)
) STRICT, WITHOUT ROWID;

-- Folders to be cleared.
CREATE TABLE attachment_gone (
  id INTEGER PRIMARY KEY
) STRICT;

-- Objects to be removed from the own relay.
CREATE TABLE object_gone (
  name BLOB PRIMARY KEY CHECK (length(name) = 32)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER attachment_removed BEFORE DELETE ON attachment BEGIN
  INSERT OR IGNORE INTO attachment_gone (id) VALUES (OLD.id);
  INSERT OR IGNORE INTO object_gone (name)
    SELECT p.name FROM attachment_piece p
    WHERE p.attachment = OLD.id AND OLD.source IS NOT NULL
      AND (p.done = 1 OR OLD.url IS NOT NULL);
END;

-- A message whose file is not at the relay yet is not sealed, whoever wants it to be.
CREATE TRIGGER outbox_waits_for_attachments BEFORE INSERT ON outbox
WHEN EXISTS (SELECT 1 FROM attachment WHERE message = NEW.message AND url IS NULL
               AND source IS NOT NULL)
BEGIN
  SELECT RAISE(IGNORE);
END;

-- Where the content of a message is erased, so are its files.
CREATE TRIGGER attachments_erased AFTER UPDATE OF content ON message
WHEN new.content = x'' AND old.content <> x''
BEGIN
  DELETE FROM attachment WHERE message = new.id;
END;
