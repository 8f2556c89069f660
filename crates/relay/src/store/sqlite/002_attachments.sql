-- Objects of attachments (docs/protocol.md §4.8). Their bytes are files: this says which there are,
-- for whom and how long. Two accounts may have put the same object; each is charged for it.
CREATE TABLE attachments (
    name BLOB NOT NULL,
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    size INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (name, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachments_account ON attachments (account);
CREATE INDEX attachments_expiry ON attachments (expires_at);

-- Names whose file may have lost its last row, until somebody has looked.
CREATE TABLE attachments_gone (
    name BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What an account keeps, so that a put does not have to add it up.
ALTER TABLE accounts ADD COLUMN attachment_bytes INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER attachment_added AFTER INSERT ON attachments BEGIN
    UPDATE accounts SET attachment_bytes = attachment_bytes + NEW.size WHERE id = NEW.account;
END;

CREATE TRIGGER attachment_removed AFTER DELETE ON attachments BEGIN
    UPDATE accounts SET attachment_bytes = attachment_bytes - OLD.size WHERE id = OLD.account;
    INSERT OR IGNORE INTO attachments_gone (name) VALUES (OLD.name);
END;
