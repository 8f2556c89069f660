-- Search over what the messages say (messages/search.rs).

-- Written and not in the index yet: many at once cost a fraction of one at a time.
CREATE TABLE search_due (
  id INTEGER PRIMARY KEY
) STRICT;

-- What the index is made of, and what snippets are cut from. `search_text` and `erased` are
-- functions of the application (db/functions.rs). The place restricts a search to a conversation
-- inside of the index.
CREATE VIEW message_searched (id, text, place) AS
SELECT id, search_text(text), 'c' || conversation FROM message WHERE text IS NOT NULL;

CREATE VIRTUAL TABLE message_search USING fts5 (
  text, place,
  content = 'message_searched', content_rowid = 'id', columnsize = 0, prefix = '2 3',
  tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);
-- What is taken out of the index is out of its pages.
INSERT INTO message_search (message_search, rank) VALUES ('secure-delete', 1);
-- One page of the index in one page of the file, beside what encryption keeps there.
INSERT INTO message_search (message_search, rank) VALUES ('pgsz', 3960);
INSERT INTO message_search (message_search) VALUES ('rebuild');

CREATE TRIGGER message_written AFTER INSERT ON message WHEN new.text IS NOT NULL
BEGIN
  INSERT INTO search_due (id) VALUES (new.id);
END;

CREATE TRIGGER message_rewritten AFTER UPDATE OF text ON message WHEN old.text IS NOT new.text
BEGIN
  SELECT erased();
  INSERT INTO message_search (message_search, rowid, text, place)
  SELECT 'delete', old.id, search_text(old.text), 'c' || old.conversation
  WHERE old.text IS NOT NULL AND NOT EXISTS (SELECT 1 FROM search_due WHERE id = old.id);
  DELETE FROM search_due WHERE id = old.id;
  INSERT INTO search_due (id) SELECT new.id WHERE new.text IS NOT NULL;
END;

CREATE TRIGGER message_removed AFTER DELETE ON message
BEGIN
  SELECT erased();
  INSERT INTO message_search (message_search, rowid, text, place)
  SELECT 'delete', old.id, search_text(old.text), 'c' || old.conversation
  WHERE old.text IS NOT NULL AND NOT EXISTS (SELECT 1 FROM search_due WHERE id = old.id);
  DELETE FROM search_due WHERE id = old.id;
END;

-- The content holds the text as well.
CREATE TRIGGER message_content_rewritten AFTER UPDATE OF content ON message
WHEN old.content IS NOT new.content
BEGIN
  SELECT erased();
END;

-- A request that was declined was never a message.
CREATE TRIGGER held_envelope_removed AFTER DELETE ON held_envelope
BEGIN
  SELECT erased();
END;

-- What a message said before, and what came about it before it did.
CREATE TRIGGER edit_removed AFTER DELETE ON edit
BEGIN
  SELECT erased();
END;

CREATE TRIGGER edit_rewritten AFTER UPDATE OF text ON edit WHEN old.text IS NOT new.text
BEGIN
  SELECT erased();
END;

CREATE TRIGGER early_content_removed AFTER DELETE ON early_content
BEGIN
  SELECT erased();
END;

CREATE TRIGGER reaction_removed AFTER DELETE ON reaction
BEGIN
  SELECT erased();
END;
