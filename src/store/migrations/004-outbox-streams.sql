-- DECISIONS and DEAD_LETTERS as they were last seen.
CREATE TABLE outbox_streams (
  name TEXT PRIMARY KEY,
  created TEXT NOT NULL,
  -- the last message this store has published there, and by what it is known again
  sequence INTEGER NOT NULL DEFAULT 0,
  mark TEXT
) STRICT, WITHOUT ROWID;

-- What was learnt before is learnt again, with the place up to which events are past.
UPDATE checkpoints SET decisions_sequence = 0 WHERE EXISTS (SELECT 1 FROM imported_decisions);
DELETE FROM imported_decisions;
ALTER TABLE imported_decisions ADD COLUMN past_to INTEGER NOT NULL DEFAULT 0;

-- A dead letter of a stream that was replaced before it was published: `former` is then when its event was stored,
-- since the new stream counts from 1 again.
DROP INDEX dead_letters_by_sequence;
DROP INDEX dead_letters_by_reason;
DROP INDEX dead_letters_pending;
ALTER TABLE dead_letters RENAME TO dead_letters_of_one_stream;

CREATE TABLE dead_letters (
  stream TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  former INTEGER NOT NULL DEFAULT 0,
  type TEXT NOT NULL,
  partition INTEGER NOT NULL,
  reason TEXT NOT NULL,
  error TEXT NOT NULL,
  subject TEXT NOT NULL,
  stored_ms INTEGER NOT NULL,
  headers TEXT NOT NULL,
  published INTEGER,
  body BLOB NOT NULL,
  PRIMARY KEY (stream, sequence, former)
) STRICT;

INSERT INTO dead_letters (stream, sequence, type, partition, reason, error, subject, stored_ms, headers, published, body)
SELECT stream, sequence, type, partition, reason, error, subject, stored_ms, headers, published, body
FROM dead_letters_of_one_stream;

DROP TABLE dead_letters_of_one_stream;
CREATE INDEX dead_letters_by_sequence ON dead_letters (type, sequence);
CREATE INDEX dead_letters_by_reason ON dead_letters (type, reason, sequence);
CREATE INDEX dead_letters_pending ON dead_letters (type, partition, sequence) WHERE published IS NULL;
