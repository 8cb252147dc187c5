-- When the actor's next delay ends, event time; NULL: it waits for nothing.
ALTER TABLE actors ADD COLUMN due TEXT;
CREATE INDEX actors_due ON actors (type, partition, due) WHERE due IS NOT NULL;

-- Of a reordered event: the events after it that were folded again.
ALTER TABLE events ADD COLUMN replayed INTEGER NOT NULL DEFAULT 0;

-- Moments of an actor's past that its fold can go back to, JSON; written seldom.
CREATE TABLE anchors (
  actor_key INTEGER PRIMARY KEY,
  anchors TEXT NOT NULL
) STRICT;

-- An actor's parked events in the order in which they were heard.
CREATE INDEX parked_in_order ON parked (type, actor_id, stored_ms, sequence);
