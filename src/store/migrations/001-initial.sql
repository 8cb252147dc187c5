-- One row an actor. Small columns first: a list never reads the snapshot.
CREATE TABLE actors (
  key INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  partition INTEGER NOT NULL,
  row_version INTEGER NOT NULL,
  machine_version INTEGER NOT NULL,
  state TEXT NOT NULL,
  completeness REAL NOT NULL,
  incomplete INTEGER NOT NULL,
  events INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  decision_type TEXT,
  standing TEXT,
  first_seen_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  snapshot TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX actors_by_id ON actors (type, id);
CREATE INDEX actors_by_age ON actors (type, key);
CREATE INDEX actors_by_state ON actors (type, state, key);
CREATE INDEX actors_by_decision ON actors (type, decision_type, key);
CREATE INDEX actors_incomplete ON actors (type, key) WHERE incomplete = 1;
CREATE INDEX actors_by_update ON actors (type, updated_ms);

-- Every distinct event of an actor; deliveries of the same id raise `duplicates`.
CREATE TABLE events (
  actor_key INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  stored_ms INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  duplicates INTEGER NOT NULL DEFAULT 0,
  correlation_id TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (actor_key, event_id)
) STRICT;

-- The ledger: outbox (published IS NULL) and history in one table.
CREATE TABLE decisions (
  actor_key INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  partition INTEGER NOT NULL,
  decision_type TEXT NOT NULL,
  payload TEXT NOT NULL,
  traceparent TEXT,
  caused_ms INTEGER NOT NULL,
  published INTEGER,
  PRIMARY KEY (actor_key, revision)
) STRICT;
CREATE INDEX decisions_pending ON decisions (type, partition, actor_key, revision) WHERE published IS NULL;

-- Decisions the stream holds that this store has not derived yet (a new or restored store catching up).
CREATE TABLE imported_decisions (
  type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  payload TEXT NOT NULL,
  PRIMARY KEY (type, actor_id, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
  stream TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  type TEXT NOT NULL,
  partition INTEGER NOT NULL,
  reason TEXT NOT NULL,
  error TEXT NOT NULL,
  subject TEXT NOT NULL,
  stored_ms INTEGER NOT NULL,
  headers TEXT NOT NULL,
  published INTEGER,
  body BLOB NOT NULL,
  PRIMARY KEY (stream, sequence)
) STRICT;
CREATE INDEX dead_letters_by_sequence ON dead_letters (type, sequence);
CREATE INDEX dead_letters_by_reason ON dead_letters (type, reason, sequence);
CREATE INDEX dead_letters_pending ON dead_letters (type, partition, sequence) WHERE published IS NULL;

-- The stream a type's checkpoints speak of.
CREATE TABLE streams (
  name TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  created TEXT NOT NULL,
  partitions INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
  stream TEXT NOT NULL,
  partition INTEGER NOT NULL,
  -- highest stream sequence whose effects are committed
  sequence INTEGER NOT NULL DEFAULT 0,
  -- nothing of this partition is unread up to here, though its last message may be older
  complete_to INTEGER NOT NULL DEFAULT 0,
  -- this partition's decisions and dead letters up to these outbox sequences are known here
  decisions_sequence INTEGER NOT NULL DEFAULT 0,
  dead_letters_sequence INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (stream, partition)
) STRICT, WITHOUT ROWID;

-- Running counts, so that no question counts rows.
CREATE TABLE tallies (
  type TEXT NOT NULL,
  partition INTEGER NOT NULL,
  name TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (type, partition, name)
) STRICT, WITHOUT ROWID;

-- Actors whose machine failed on an event, and their events since, that one included.
CREATE TABLE quarantine (
  type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  partition INTEGER NOT NULL,
  event_type TEXT NOT NULL,
  error TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (type, actor_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE parked (
  type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  subject TEXT NOT NULL,
  stored_ms INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (type, actor_id, sequence)
) STRICT;

-- What is left of an actor whose rows were given up after NATSTATE_RETAIN.
CREATE TABLE retired (
  type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  partition INTEGER NOT NULL,
  -- every message about it up to here had been applied; 0: the stream is read again from its first message
  sequence INTEGER NOT NULL,
  events INTEGER NOT NULL,
  -- of the ids of these events
  digest TEXT NOT NULL,
  revision INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  retired_ms INTEGER NOT NULL,
  -- kept; wanted: late events are parked; lost: the streams no longer hold what would bring it back
  status TEXT NOT NULL,
  PRIMARY KEY (type, actor_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX retired_wanted ON retired (type, actor_id) WHERE status = 'wanted';
