-- Events are only ever put behind the last one, and found by their numbers, which their actor's row keeps: an index of
-- their own would have every event rewrite two pages of a large store. What there is follows bit by bit, see
-- `moving-events.ts`.
ALTER TABLE events RENAME TO events_indexed;

CREATE TABLE events (
  place INTEGER PRIMARY KEY,
  actor_key INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  stored_ms INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  replayed INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0,
  conflicts INTEGER NOT NULL DEFAULT 0,
  correlation_id TEXT,
  body TEXT NOT NULL
) STRICT;

-- Which events it has heard, see `heard.ts`.
ALTER TABLE actors ADD COLUMN heard BLOB NOT NULL DEFAULT x'';

-- The earlier ones of an actor that has heard many.
CREATE TABLE heard_earlier (
  actor_key INTEGER NOT NULL,
  type_hash INTEGER NOT NULL,
  id_hash INTEGER NOT NULL,
  place INTEGER NOT NULL,
  PRIMARY KEY (actor_key, type_hash, id_hash, place)
) STRICT, WITHOUT ROWID;

-- There while rows are moved, see `moving.ts`: which step is at work, and the last of its rows that is done.
CREATE TABLE moving (
  step INTEGER NOT NULL,
  after INTEGER NOT NULL
) STRICT;
INSERT INTO moving VALUES (0, 0);
