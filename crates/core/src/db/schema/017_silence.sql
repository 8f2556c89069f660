-- Written to often and not heard of since: it may have forgotten the grants that it gave (docs/protocol.md §3.7).
ALTER TABLE peer_device ADD COLUMN silent INTEGER NOT NULL DEFAULT 0;
