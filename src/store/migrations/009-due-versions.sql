-- Of each type with delays, the version by which `actors.due` is told of all its actors.
CREATE TABLE due_versions (
  type TEXT PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT;
