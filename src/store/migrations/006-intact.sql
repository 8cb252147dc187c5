-- From here on what was missing below a lane's checkpoint is looked for, too, up to where the stream was last seen to be
-- whole. What was read before that was noted counts as whole.
UPDATE checkpoints SET complete_to = sequence WHERE complete_to < sequence;
