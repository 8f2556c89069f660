-- ../sqlite/003_blocks.sql says what this is for.
CREATE TABLE blocked (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    sender TEXT COLLATE "C" NOT NULL,
    reserved BIGINT NOT NULL,
    pace BIGINT NOT NULL,
    waiting BIGINT NOT NULL DEFAULT 0,
    present BIGINT NOT NULL DEFAULT 0,
    until BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, sender)
);
