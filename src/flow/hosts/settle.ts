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
  return copy(value, known, { name, keys: [], above: [] });
}

/** Freezes what JSON has just made: there is nothing in it to settle, and nobody else has it. */
export function freezeJson(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const key in value) freezeJson((value as Readonly<Record<string, unknown>>)[key]);
  return Object.freeze(value);
}

interface Walk {
  readonly name: string;
  readonly keys: string[];
  readonly above: object[];
}

function copy(value: unknown, known: unknown, walk: Walk): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw unstorable(walk, String(value));
      return value === 0 ? 0 : value;
    case "object":
      return value === null || value === known ? value : copyInside(value, known, walk);
    default:
      throw unstorable(walk, value === undefined ? "undefined" : `a ${typeof value}`);
  }
}

function copyInside(value: object, known: unknown, walk: Walk): object {
  const { above } = walk;
  const why = above.includes(value) ? "a circle" : above.length > MAX_DEPTH ? "too deep" : findWhyNot(value);
  if (why !== undefined) throw unstorable(walk, why);
  const before = (typeof known === "object" && known !== null ? known : NOTHING) as Readonly<Record<string, unknown>>;
  const inside = value as Readonly<Record<string, unknown>>;
  const made: Record<string, unknown> | unknown[] = Array.isArray(value) ? [] : {};
  above.push(value);
  for (const key of Object.keys(value)) {
    const member = inside[key];
    if (member === undefined && !Array.isArray(value)) continue;
    walk.keys.push(key);
    (made as Record<string, unknown>)[key] = copy(member, Object.hasOwn(before, key) ? before[key] : undefined, walk);
    walk.keys.pop();
  }
  above.pop();
  return Object.freeze(made);
}

function unstorable({ name, keys }: Walk, why: string): Error {
  const path = keys.map((key) => `.${key}`).join("");
  return new Error(
    `${name}${path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}...` : path}: ${why}, which JSON does not keep`,
  );
}
