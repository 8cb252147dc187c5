-- Lists are in an order that every store has alike: by when an actor was first heard of, not by the number of its row.
DROP INDEX actors_by_age;
DROP INDEX actors_by_state;
DROP INDEX actors_by_decision;
DROP INDEX actors_incomplete;
DROP INDEX actors_by_update;
DROP INDEX actors_due;
CREATE INDEX actors_by_age ON actors (type, first_seen_ms, id);
CREATE INDEX actors_by_state ON actors (type, state, first_seen_ms, id);
CREATE INDEX actors_by_decision ON actors (type, decision_type, first_seen_ms, id);
CREATE INDEX actors_incomplete ON actors (type, first_seen_ms, id) WHERE incomplete = 1;
CREATE INDEX actors_by_update ON actors (type, updated_ms, id);
CREATE INDEX actors_due ON actors (type, partition, due, id) WHERE due IS NOT NULL;

-- Of one partition, newest first.
DROP INDEX dead_letters_by_sequence;
DROP INDEX dead_letters_by_reason;
CREATE INDEX dead_letters_by_sequence ON dead_letters (type, sequence, partition);
CREATE INDEX dead_letters_by_reason ON dead_letters (type, reason, sequence, partition);
