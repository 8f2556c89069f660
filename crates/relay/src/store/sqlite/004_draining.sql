-- 1 where the device wants no new grants here, as it is about to leave (docs/protocol.md §4.6).
ALTER TABLE devices ADD COLUMN draining INTEGER NOT NULL DEFAULT 0;
