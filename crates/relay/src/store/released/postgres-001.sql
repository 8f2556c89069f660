-- A database of the first version: its schema word for word, and rows. Never changed.
-- What the steps of SQLite's schema come to (../001_initial.sql says what the tables are for). Whole
-- numbers are 64 bits wide and flags are 0 or 1, so that one text of a statement fits both.

CREATE TABLE secrets (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE accounts (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    did TEXT COLLATE "C" NOT NULL UNIQUE,
    delegate_key BYTEA NOT NULL,
    roster BYTEA NOT NULL,
    roster_seq BIGINT NOT NULL,
    attachment_bytes BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE devices (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    device_id BYTEA NOT NULL,
    device_key BYTEA NOT NULL,
    thumbprint BYTEA NOT NULL UNIQUE,
    certificate_expires BIGINT NOT NULL,
    last_seq BIGINT NOT NULL DEFAULT 0,
    UNIQUE (account, device_id)
);

CREATE TABLE key_packages (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device BIGINT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL,
    package BYTEA NOT NULL,
    last_resort BIGINT NOT NULL,
    UNIQUE (device, last_resort, hash)
);

CREATE TABLE claims (
    claim BYTEA PRIMARY KEY,
    answer BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE grants (
    address TEXT COLLATE "C" PRIMARY KEY,
    key BYTEA NOT NULL,
    device BIGINT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    closed BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX grants_device ON grants (device);

-- Ciphertext: trying to compress it is wasted.
CREATE TABLE bodies (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bytes BYTEA NOT NULL
);
ALTER TABLE bodies ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- No foreign key for bodies: it would lock, and so write, the row of a body once more. Journal and
-- messages own their bodies; nothing else deletes one.
CREATE TABLE journal (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address TEXT COLLATE "C" NOT NULL,
    challenge TEXT COLLATE "C" NOT NULL,
    tag BYTEA NOT NULL,
    body BIGINT NOT NULL,
    received_at BIGINT NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE messages (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id TEXT COLLATE "C" NOT NULL UNIQUE,
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mailbox TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C",
    sender_key BYTEA,
    pooled BIGINT NOT NULL,
    body BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX messages_sender ON messages (account, pooled, sender);
CREATE INDEX messages_mailbox ON messages (mailbox);
CREATE INDEX messages_expiry ON messages (expires_at);

CREATE FUNCTION message_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM bodies WHERE id IN (SELECT body FROM gone);
    RETURN NULL;
END $$;
CREATE TRIGGER message_deleted AFTER DELETE ON messages REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION message_deleted();

CREATE TABLE queue (
    device BIGINT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    message BIGINT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    PRIMARY KEY (device, seq)
);
CREATE UNIQUE INDEX queue_message ON queue (message, device);

CREATE TABLE seen (
    digest BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX seen_expiry ON seen (expires_at);

CREATE TABLE provisioned (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    sender TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, sender)
);

CREATE TABLE discarded (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    sender TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (account, sender)
);

-- As many rows as puts that are dropped at the same time may write without waiting for each other.
CREATE TABLE decoy (
    id BIGINT PRIMARY KEY,
    bytes BYTEA NOT NULL
);
ALTER TABLE decoy ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE attachments (
    name BYTEA NOT NULL,
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    size BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (name, account)
);
CREATE INDEX attachments_account ON attachments (account);
CREATE INDEX attachments_expiry ON attachments (expires_at);

CREATE TABLE attachments_gone (
    name BYTEA PRIMARY KEY
);

CREATE FUNCTION attachment_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts SET attachment_bytes = attachment_bytes + NEW.size WHERE id = NEW.account;
    RETURN NULL;
END $$;
CREATE TRIGGER attachment_added AFTER INSERT ON attachments
    FOR EACH ROW EXECUTE FUNCTION attachment_added();

CREATE FUNCTION attachment_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts SET attachment_bytes = attachment_bytes - OLD.size WHERE id = OLD.account;
    INSERT INTO attachments_gone (name) VALUES (OLD.name) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER attachment_removed AFTER DELETE ON attachments
    FOR EACH ROW EXECUTE FUNCTION attachment_removed();

-- What a relay of that version kept.
INSERT INTO secrets VALUES ('challenge', '\x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff');
INSERT INTO accounts (id, did, delegate_key, roster, roster_seq) OVERRIDING SYSTEM VALUE VALUES (1, 'did:plc:alice', '\xa1', '\xa2', 7);
INSERT INTO devices (id, account, device_id, device_key, thumbprint, certificate_expires, last_seq)
OVERRIDING SYSTEM VALUE VALUES (1, 1, '\xd1', '\xd2', '\xd3', 4000000000, 2);
INSERT INTO key_packages OVERRIDING SYSTEM VALUE VALUES (1, 1, '\xe1', '\xe2', 1);
INSERT INTO claims VALUES ('\xf1', '\xf2', 4000000000);
INSERT INTO grants VALUES ('address', '\xb1', 1, 4000000000, 0);
INSERT INTO bodies OVERRIDING SYSTEM VALUE VALUES (1, '\x01'), (2, '\x02');
INSERT INTO journal OVERRIDING SYSTEM VALUE VALUES (5, 'address', 'challenge', '\xc1', 2, 1800000000);
INSERT INTO messages OVERRIDING SYSTEM VALUE VALUES (1, 'id', 1, 'address', NULL, NULL, 0, 1, 4000000000);
INSERT INTO queue VALUES (1, 2, 1);
INSERT INTO seen VALUES ('\x5e', 4000000000);
INSERT INTO provisioned VALUES (1, 'did:plc:bob');
INSERT INTO discarded VALUES (1, 'did:plc:eve', 4000000000);
-- The numbers given by hand are not given again.
SELECT setval(pg_get_serial_sequence('accounts', 'id'), 10), setval(pg_get_serial_sequence('devices', 'id'), 10),
    setval(pg_get_serial_sequence('bodies', 'id'), 10), setval(pg_get_serial_sequence('journal', 'id'), 10),
    setval(pg_get_serial_sequence('messages', 'id'), 10), setval(pg_get_serial_sequence('key_packages', 'id'), 10);
CREATE TABLE relay_schema (step BIGINT PRIMARY KEY);
INSERT INTO relay_schema VALUES (1);
