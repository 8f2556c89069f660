-- What messages say of one another (docs/protocol.md §5).

-- 0: shown. 1: says something of other messages (a reaction, an edit, a report) and is not shown
-- itself. 2: gone from here; the row keeps what it was from coming back.
ALTER TABLE message ADD COLUMN kind INTEGER NOT NULL DEFAULT 0 CHECK (kind IN (0, 1, 2));
ALTER TABLE message ADD COLUMN unread INTEGER NOT NULL DEFAULT 0;
-- It was sealed before: the peer may have it, although it waits to be sealed.
ALTER TABLE message ADD COLUMN resealed INTEGER NOT NULL DEFAULT 0;
-- MIMI id of the message it answers; of an edit, the one it edits.
ALTER TABLE message ADD COLUMN reply_to BLOB;
ALTER TABLE message ADD COLUMN edited_at INTEGER;
-- Place of the edit that counts.
ALTER TABLE message ADD COLUMN edited_by INTEGER;
-- It was deleted for everyone: a row without anything in it is shown.
ALTER TABLE message ADD COLUMN deleted_at INTEGER;
-- Seconds from reading (the peer's) or sending (own) to the end; when that is, once it is known.
ALTER TABLE message ADD COLUMN expires_in INTEGER;
ALTER TABLE message ADD COLUMN expires_at INTEGER;

UPDATE message SET unread = 1 WHERE id IN
  (SELECT id FROM
    (SELECT m.id, c.unread, row_number() OVER (PARTITION BY m.conversation ORDER BY m.id DESC) AS n
     FROM message m JOIN conversation c ON c.id = m.conversation WHERE m.state = 4)
   WHERE n <= unread);

DROP INDEX message_by_place;
CREATE INDEX message_by_place ON message (conversation, id) WHERE kind = 0;
CREATE INDEX message_unread ON message (conversation) WHERE unread = 1;
CREATE INDEX message_edits ON message (reply_to) WHERE kind = 1 AND reply_to IS NOT NULL;
CREATE INDEX message_expiring ON message (expires_at) WHERE expires_at IS NOT NULL;

-- `mimi_id` is that of the first message that brought the reaction: what withdraws it names that.
CREATE TABLE reaction (
  message INTEGER NOT NULL REFERENCES message,
  mine INTEGER NOT NULL,
  emoji TEXT NOT NULL,
  mimi_id BLOB NOT NULL CHECK (length(mimi_id) = 32),
  PRIMARY KEY (message, mine, emoji)
) STRICT, WITHOUT ROWID;
CREATE INDEX reaction_by_mimi_id ON reaction (mimi_id);

-- What messages said before they were edited. The place is that of the message or edit which said it.
CREATE TABLE edit (
  message INTEGER NOT NULL REFERENCES message,
  place INTEGER NOT NULL,
  at INTEGER NOT NULL,
  text TEXT,
  PRIMARY KEY (message, place)
) STRICT, WITHOUT ROWID;

-- Content about a message that has not arrived yet, bounded (messages/content/early.rs).
CREATE TABLE early_content (
  id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL REFERENCES conversation,
  target BLOB NOT NULL CHECK (length(target) = 32),
  mimi_id BLOB NOT NULL CHECK (length(mimi_id) = 32),
  place INTEGER NOT NULL,
  content BLOB NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX early_content_by_target ON early_content (target);

-- Seconds after which the conversation's messages disappear, and what the peer's last message had.
ALTER TABLE conversation ADD COLUMN timer INTEGER;
ALTER TABLE conversation ADD COLUMN peer_timer INTEGER;

-- What is told of this side: that messages are read, that something is being written.
CREATE TABLE receipts (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  read INTEGER NOT NULL,
  typing INTEGER NOT NULL
) STRICT;
INSERT INTO receipts (id, read, typing) VALUES (1, 1, 0);
