-- Senders whose puts come to nothing (docs/protocol.md §4.5). What they are answered is made up: of what
-- they put themselves, and of chance. No column depends on what the owner does after blocking.
CREATE TABLE blocked (
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    sender TEXT NOT NULL,
    -- 1 where the sender had a reservation: only then has it ever been told that one is full.
    reserved INTEGER NOT NULL,
    -- Seconds for which the made-up recipient stays away, in the mean.
    pace INTEGER NOT NULL,
    -- Puts that seem to wait, whether the made-up recipient seems to be at hand, and until when.
    waiting INTEGER NOT NULL DEFAULT 0,
    present INTEGER NOT NULL DEFAULT 0,
    until INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, sender)
) STRICT, WITHOUT ROWID;
