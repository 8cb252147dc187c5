/**
 * Is this key of a state's `on` for an event type of a contract? These have no dots, so `Payment.*` can mean only `Payment`.
 */
export function describesEvent(descriptor: string, eventType: string): boolean {
  return descriptor === "*" || descriptor === eventType || descriptor === `${eventType}.*`;
}
