-- Accounts whose delegate key signs by itself, without certified devices (docs/protocol.md §4.2); their
-- roster is empty.
ALTER TABLE accounts ADD COLUMN anchor INTEGER NOT NULL DEFAULT 0;

-- Why an account's DID mailbox takes nothing at the moment (docs/protocol.md §4.3); 0 where it does.
ALTER TABLE accounts ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;

-- The watch over what accounts declare: when to look next, and how often a look brought nothing good.
-- Not when somebody was last here.
CREATE TABLE declarations (
    account INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    due INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    -- Revision of the repository that was last seen; empty where none was.
    rev TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX declarations_due ON declarations (due);
INSERT INTO declarations (account, due) SELECT id, 0 FROM accounts;

-- Accounts whose DID was registered anew under a key that theirs does not lead to. They have a name
-- that is no DID, so that nothing reaches them but what their devices' grants bring.
CREATE TABLE set_aside (
    account INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    did TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;
CREATE INDEX set_aside_did ON set_aside (did);
