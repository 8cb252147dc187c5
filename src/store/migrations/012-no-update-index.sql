-- Until when a lane was heard of, stream time, ms since the epoch; NULL: not known.
ALTER TABLE checkpoints ADD COLUMN heard_ms INTEGER;

UPDATE checkpoints SET heard_ms = heard.ms
FROM streams s, (SELECT type, partition, max(updated_ms) AS ms FROM actors NOT INDEXED GROUP BY type, partition) heard
WHERE s.name = checkpoints.stream AND heard.type = s.type AND heard.partition = checkpoints.partition;

-- Nobody is updated before it was first seen, also where a server's clock was set back: lists rely on that.
UPDATE actors SET updated_ms = first_seen_ms WHERE updated_ms < first_seen_ms;

-- Every save of an actor wrote it anew, in two places.
DROP INDEX actors_by_update;
