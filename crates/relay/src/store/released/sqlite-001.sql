-- A database of the first version: its schema word for word, and rows. Never changed.
-- What §4 of docs/protocol.md lets a relay keep, and nothing else: no addresses of machines, no
-- times of use, no claimants. Times are whole seconds since 1970.

-- Secrets of this relay itself (the challenge key).
CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    did TEXT NOT NULL UNIQUE,
    -- COSE_Key, self-describing: a new algorithm is a new value, not a new column.
    delegate_key BLOB NOT NULL,
    roster BLOB NOT NULL,
    roster_seq INTEGER NOT NULL
) STRICT;

CREATE TABLE devices (
    -- AUTOINCREMENT: an open socket knows its device by this number, so it is never used twice.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    device_id BLOB NOT NULL,
    device_key BLOB NOT NULL,
    thumbprint BLOB NOT NULL UNIQUE,
    certificate_expires INTEGER NOT NULL,
    -- Numbers this device's queue. Never goes back, so that "after n" keeps its meaning.
    last_seq INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, device_id)
) STRICT;

CREATE TABLE key_packages (
    id INTEGER PRIMARY KEY,
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    package BLOB NOT NULL,
    last_resort INTEGER NOT NULL,
    UNIQUE (device, last_resort, hash)
) STRICT;

-- Answers of claims, so that a repeated claim spends nothing. Keyed by an HMAC of claimant and
-- claimed account: the row does not say who they are.
CREATE TABLE claims (
    claim BLOB PRIMARY KEY,
    answer BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    address TEXT PRIMARY KEY,
    key BLOB NOT NULL,
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    closed INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_device ON grants (device);

CREATE TABLE bodies (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Grant puts that were answered 202 and not yet resolved (§4.6).
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    challenge TEXT NOT NULL,
    tag BLOB NOT NULL,
    body INTEGER NOT NULL REFERENCES bodies (id),
    received_at INTEGER NOT NULL
) STRICT;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mailbox TEXT NOT NULL,
    -- The verification hint of a DID mailbox; null for a grant.
    sender TEXT,
    sender_key BLOB,
    -- 1 while the message waits in the pool for adjudication (§4.5).
    pooled INTEGER NOT NULL,
    body INTEGER NOT NULL REFERENCES bodies (id),
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_sender ON messages (account, pooled, sender);
CREATE INDEX messages_mailbox ON messages (mailbox);
CREATE INDEX messages_expiry ON messages (expires_at);
CREATE INDEX messages_body ON messages (body);
CREATE INDEX journal_body ON journal (body);

CREATE TRIGGER message_deleted AFTER DELETE ON messages BEGIN
    DELETE FROM bodies WHERE id = OLD.body;
END;

CREATE TABLE queue (
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    message INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    PRIMARY KEY (device, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX queue_message ON queue (message, device);

-- Digests of what must not arrive twice: message ids, and the nonces of first contacts.
CREATE TABLE seen (
    digest BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_expiry ON seen (expires_at);

CREATE TABLE provisioned (
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    sender TEXT NOT NULL,
    PRIMARY KEY (account, sender)
) STRICT, WITHOUT ROWID;

CREATE TABLE discarded (
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    sender TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (account, sender)
) STRICT, WITHOUT ROWID;

-- One row that a put writes when it stores nothing, so that it costs what a stored one costs.
CREATE TABLE decoy (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    bytes BLOB NOT NULL
) STRICT;

-- What a relay of that version kept.
INSERT INTO secrets VALUES ('challenge', x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff');
INSERT INTO accounts (id, did, delegate_key, roster, roster_seq) VALUES (1, 'did:plc:alice', x'a1', x'a2', 7);
INSERT INTO devices (id, account, device_id, device_key, thumbprint, certificate_expires, last_seq)
VALUES (1, 1, x'd1', x'd2', x'd3', 4000000000, 2);
INSERT INTO key_packages VALUES (1, 1, x'e1', x'e2', 1);
INSERT INTO claims VALUES (x'f1', x'f2', 4000000000);
INSERT INTO grants VALUES ('address', x'b1', 1, 4000000000, 0);
INSERT INTO bodies VALUES (1, x'01'), (2, x'02');
INSERT INTO journal VALUES (5, 'address', 'challenge', x'c1', 2, 1800000000);
INSERT INTO messages VALUES (1, 'id', 1, 'address', NULL, NULL, 0, 1, 4000000000);
INSERT INTO queue VALUES (1, 2, 1);
INSERT INTO seen VALUES (x'5e', 4000000000);
INSERT INTO provisioned VALUES (1, 'did:plc:bob');
INSERT INTO discarded VALUES (1, 'did:plc:eve', 4000000000);
PRAGMA user_version = 1;
