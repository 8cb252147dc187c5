-- The highest version of its type by which a lane's decisions were taken, as far as DECISIONS is known; 0: none says so.
ALTER TABLE checkpoints ADD COLUMN decided_by INTEGER NOT NULL DEFAULT 0;
