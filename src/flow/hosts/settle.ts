import { findWhyNot, MAX_DEPTH, MAX_PATH, NOTHING } from "../../actor/seal.ts";

/**
 * A frozen copy of a value as JSON would give it back, so that a machine finds the same whether it stayed in memory or
 * came back from a row: members that are undefined are gone, -0 is 0, two references to one object are two objects.
 *
 * Frozen, because what a machine changes in place could not be undone by rewinding.
 *
 * @param name - what the value is called, for example `context`.
 * @param known - a value settled before. What both have at the same place is taken as it is, so a step costs what it
 *   changed.
 * @throws the first value JSON would change, for example `context.total: NaN, which JSON does not keep`.
 */
export function settle(name: string, value: unknown, known?: unknown): unknown {
  return copy(value, known, name, undefined);
}

/** Freezes what JSON has just made: there is nothing in it to settle, and nobody else has it. */
export function freezeJson(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  // By `in` each index of a list becomes a text: that took longer than all else of an order.
  if (Array.isArray(value)) for (const member of value) freezeJson(member);
  else for (const key in value) freezeJson((value as Readonly<Record<string, unknown>>)[key]);
  return Object.freeze(value);
}

/** Linked, not listed: most values are one object deep, and one is made in each step. */
interface Inside {
  readonly value: object;
  /** In what it is in; of the outermost what `settle` was told. */
  readonly key: string;
  readonly above: Inside | undefined;
  readonly depth: number;
}

function copy(value: unknown, known: unknown, key: string, above: Inside | undefined): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw unstorable(key, above, String(value));
      return value === 0 ? 0 : value;
    case "object":
      if (value === null || value === known) return value;
      return copyInside({ value, key, above, depth: above === undefined ? 0 : above.depth + 1 }, known);
    default:
      throw unstorable(key, above, value === undefined ? "undefined" : `a ${typeof value}`);
  }
}

function copyInside(inside: Inside, known: unknown): object {
  const { value, key, above, depth } = inside;
  const why = isAmong(above, value) ? "a circle" : depth > MAX_DEPTH ? "too deep" : findWhyNot(value);
  if (why !== undefined) throw unstorable(key, above, why);
  const before = (typeof known === "object" && known !== null ? known : NOTHING) as Readonly<Record<string, unknown>>;
  const members = value as Readonly<Record<string, unknown>>;
  const made: Record<string, unknown> | unknown[] = Array.isArray(value) ? [] : {};
  for (const name of Object.keys(value)) {
    const member = members[name];
    if (member === undefined && !Array.isArray(value)) continue;
    const earlier = Object.hasOwn(before, name) ? before[name] : undefined;
    (made as Record<string, unknown>)[name] = copy(member, earlier, name, inside);
  }
  return Object.freeze(made);
}

function isAmong(above: Inside | undefined, value: object): boolean {
  for (let outer = above; outer !== undefined; outer = outer.above) if (outer.value === value) return true;
  return false;
}

function unstorable(key: string, above: Inside | undefined, why: string): Error {
  const keys = [key];
  for (let outer = above; outer !== undefined; outer = outer.above) keys.unshift(outer.key);
  const [name, ...inside] = keys;
  const path = inside.map((member) => `.${member}`).join("");
  return new Error(
    `${name}${path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}...` : path}: ${why}, which JSON does not keep`,
  );
}
