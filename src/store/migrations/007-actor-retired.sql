-- The reason is of any actor type, and called so.
UPDATE dead_letters SET reason = 'actor_retired' WHERE reason = 'order_retired';
UPDATE tallies SET name = 'dead:actor_retired' WHERE name = 'dead:order_retired';
