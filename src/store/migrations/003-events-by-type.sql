-- The ids of different event types do not meet: an event is known by its type and its id. `conflicts` counts deliveries
-- of a known event with other content, as `duplicates` does those with the same.
ALTER TABLE events RENAME TO events_by_id;

CREATE TABLE events (
  actor_key INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  stored_ms INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  duplicates INTEGER NOT NULL DEFAULT 0,
  conflicts INTEGER NOT NULL DEFAULT 0,
  correlation_id TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (actor_key, type, event_id)
) STRICT;

-- Rows are numbered in the order in which they were heard.
INSERT INTO events (rowid, actor_key, event_id, type, timestamp, stored_ms, sequence, outcome, duplicates,
  correlation_id, body)
SELECT rowid, actor_key, event_id, type, timestamp, stored_ms, sequence, outcome, duplicates, correlation_id, body
FROM events_by_id;

DROP TABLE events_by_id;
