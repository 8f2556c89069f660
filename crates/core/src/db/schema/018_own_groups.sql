-- Every own send group that ever was: an acknowledgement of another one shows that this device was set
-- back (docs/protocol.md §3.7), once.
CREATE TABLE own_group (
  group_id BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO own_group SELECT group_id FROM send_group;
INSERT OR IGNORE INTO own_group SELECT group_id FROM retired_epoch;

CREATE TRIGGER send_group_made AFTER INSERT ON send_group
BEGIN
  INSERT OR IGNORE INTO own_group (group_id) VALUES (new.group_id);
END;
