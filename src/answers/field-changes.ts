/** One field that is not what it was. */
export interface Change {
  /** Names from the outside in, joined by dots. */
  readonly path: string;
  /** Null where there was nothing. */
  readonly before: unknown;
  /** Null where there is nothing any more. */
  readonly after: unknown;
}

/** What a person looks through; an event with a thousand items changes as many. */
const MAX_CHANGES = 50;

/**
 * Compares two views field by field.
 *
 * @returns the first {@link MAX_CHANGES}, in the order of the fields; arrays and simple values are compared as a whole.
 */
export function changesBetween(before: unknown, after: unknown): Change[] {
  const changes: Change[] = [];
  compare("", before ?? null, after ?? null, changes);
  return changes;
}

function compare(path: string, before: unknown, after: unknown, changes: Change[]): void {
  if (changes.length === MAX_CHANGES) return;
  const fieldsBefore = fieldsOf(before);
  const fieldsAfter = fieldsOf(after);
  if (fieldsBefore === undefined || fieldsAfter === undefined) {
    if (JSON.stringify(before) !== JSON.stringify(after)) changes.push({ path, before, after });
    return;
  }
  const names = new Set([...Object.keys(fieldsBefore), ...Object.keys(fieldsAfter)]);
  // {} and nothing have the same fields, none, and are not the same.
  if (names.size === 0 && (before === null) !== (after === null)) changes.push({ path, before, after });
  for (const name of names) {
    const inner = path === "" ? name : `${path}.${name}`;
    compare(inner, fieldIn(fieldsBefore, name), fieldIn(fieldsAfter, name), changes);
  }
}

/** A field may be called as what every object has. */
function fieldIn(fields: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(fields, name) ? (fields[name] ?? null) : null;
}

/** Of an object its fields, of nothing none, of anything else undefined. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (value === null) return {};
  return typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}
