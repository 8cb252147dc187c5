-- A stream made anew under the same name, once accepted, counts from 1 again: two events of one actor, each kept back
-- from another of the streams, may have the same sequence.
ALTER TABLE parked RENAME TO parked_of_one_stream;

CREATE TABLE parked (
  type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  subject TEXT NOT NULL,
  stored_ms INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (type, actor_id, sequence, stored_ms)
) STRICT;

INSERT INTO parked (type, actor_id, sequence, subject, stored_ms, headers, body)
SELECT type, actor_id, sequence, subject, stored_ms, headers, body FROM parked_of_one_stream;

DROP TABLE parked_of_one_stream;
