-- What is being written, until it is sent.
CREATE TABLE draft (
  conversation INTEGER PRIMARY KEY REFERENCES conversation ON DELETE CASCADE,
  text TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER draft_rewritten AFTER UPDATE OF text ON draft WHEN old.text <> new.text
BEGIN
  SELECT erased();
END;

CREATE TRIGGER draft_removed AFTER DELETE ON draft
BEGIN
  SELECT erased();
END;
