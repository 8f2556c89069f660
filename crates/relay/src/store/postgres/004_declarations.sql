ALTER TABLE accounts ADD COLUMN anchor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN paused BIGINT NOT NULL DEFAULT 0;

CREATE TABLE declarations (
    account BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    due BIGINT NOT NULL,
    failures BIGINT NOT NULL DEFAULT 0,
    rev TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX declarations_due ON declarations (due);
INSERT INTO declarations (account, due) SELECT id, 0 FROM accounts;

CREATE TABLE set_aside (
    account BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    did TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL
);
CREATE INDEX set_aside_did ON set_aside (did);
