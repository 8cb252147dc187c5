-- Actors of a copy of a lane that is not whole yet, by ranges of their keys: nobody's until their range is gone from here.
CREATE TABLE staged (
  first_key INTEGER PRIMARY KEY,
  last_key INTEGER NOT NULL,
  type TEXT NOT NULL,
  partition INTEGER NOT NULL
) STRICT;
