-- Own keys over time, and peers whose keys changed (docs/protocol.md §1.3, §1.10 to §1.13).

-- The chain of successions that leads to the own delegate key, oldest first.
CREATE TABLE own_succession (
  place INTEGER PRIMARY KEY,
  object BLOB NOT NULL
) STRICT;

-- A rotation that is about to be published: stored first, so that a crash strands nobody.
CREATE TABLE own_pending (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  delegate_seed BLOB NOT NULL CHECK (length(delegate_seed) = 32),
  certificate BLOB NOT NULL,
  roster BLOB NOT NULL,
  roster_seq INTEGER NOT NULL,
  claim_seq INTEGER NOT NULL,
  step BLOB NOT NULL
) STRICT;

-- A row as long as the words of the own key have not been written down.
CREATE TABLE own_words_due (
  id INTEGER PRIMARY KEY CHECK (id = 1)
) STRICT;

-- Nothing is sealed or put for this peer until the reason is gone. `key` is the did:key that its
-- account names now, where the reason is a key nobody vouches for.
CREATE TABLE peer_hold (
  peer INTEGER PRIMARY KEY REFERENCES peer ON DELETE CASCADE,
  code TEXT NOT NULL,
  key TEXT
) STRICT;

-- Row ids of send groups that are no more. They are not used again: the ids of puts are made of
-- them, and the outcome of a put may come after its row went.
CREATE TABLE retired_group (
  id INTEGER PRIMARY KEY
) STRICT;
