-- Edits and deletions that were given up, of which the user is to hear (docs/protocol.md §5.2).
CREATE INDEX message_event_given_up ON message (id)
  WHERE kind = 1 AND state = 3 AND error IS NOT NULL;
