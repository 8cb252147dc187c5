/**
 * Is a key of a state's `on` for this event type, as XState reads it: `payment.*` is for `payment`, `payment.received` and
 * `payment.card.received`.
 */
export function describesEvent(descriptor: string, eventType: string): boolean {
  if (descriptor === "*" || descriptor === eventType) return true;
  return descriptor.endsWith(".*") && `${eventType}.`.startsWith(descriptor.slice(0, -1));
}

/** Sorts a state's keys that are for one event as XState tries them: the type itself, then the longer prefix first. */
export function closestFirst(eventType: string): (descriptor: string, other: string) => number {
  const rank = (descriptor: string) => (descriptor === eventType ? Number.POSITIVE_INFINITY : descriptor.length);
  return (descriptor, other) => rank(other) - rank(descriptor);
}
