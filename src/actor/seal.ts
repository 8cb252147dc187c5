/** How deep a value may be: what is deeper nobody writes by hand. */
export const MAX_DEPTH = 256;
/** Characters of a path that is told. */
export const MAX_PATH = 100;
/** Of what was not there before: no new object for each. */
export const NOTHING = Object.freeze({});

interface Problem {
  readonly path: string;
  readonly why: string;
}

/** None: JSON keeps what it says, and yet gives back another value. */
const CHANGED: Problem = { path: "", why: "" };

/**
 * Freezes a value that is kept as JSON, and looks whether JSON gives it back: what is stored must be what a later start
 * reads. Members that are undefined are left out by JSON, and -0 becomes 0; both may be.
 *
 * Frozen, because what a machine changes in place is neither seen as a change nor undone by a rewind, and may be shared
 * with other actors. Then the attempt throws where it is made.
 *
 * @param name - what the value is called, for example `context`.
 * @param known - a value sealed before. What both have at the same place is not looked at again, so an event that
 *   changes one facet costs that facet.
 * @returns the first value JSON would change, for example `context.total: NaN, which JSON does not keep`, or undefined.
 */
export function seal(name: string, value: unknown, known?: unknown): string | undefined {
  return textOf(name, look(value, known, []));
}

/**
 * Seals what nobody else should have.
 *
 * @returns what {@link seal} does, and whether it is, member by member, what JSON makes of it: no member is undefined, no
 *   number -0, and no object there twice, or frozen before, as somebody else's is.
 */
export function sealOwn(
  name: string,
  value: unknown,
): { readonly problem: string | undefined; readonly isSame: boolean } {
  const found = look(value, undefined, []);
  return { problem: textOf(name, found), isSame: found === undefined };
}

function textOf(name: string, problem: Problem | undefined): string | undefined {
  if (problem === undefined || problem === CHANGED) return undefined;
  const path = problem.path.length > MAX_PATH ? `${problem.path.slice(0, MAX_PATH)}...` : problem.path;
  return `${name}${path}: ${problem.why}, which JSON does not keep`;
}

function look(value: unknown, known: unknown, above: object[]): Problem | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      if (!Number.isFinite(value)) return { path: "", why: String(value) };
      return Object.is(value, -0) ? CHANGED : undefined;
    case "object":
      return value === null || value === known ? undefined : lookInside(value, known, above);
    default:
      return { path: "", why: value === undefined ? "undefined" : `a ${typeof value}` };
  }
}

function lookInside(value: object, known: unknown, above: object[]): Problem | undefined {
  const why =
    findWhyNot(value) ?? (above.includes(value) ? "a circle" : above.length > MAX_DEPTH ? "too deep" : undefined);
  if (why !== undefined) return { path: "", why };
  const before = (typeof known === "object" && known !== null ? known : NOTHING) as Readonly<Record<string, unknown>>;
  above.push(value);
  let changed = Object.isFrozen(value) || Object.getPrototypeOf(value) === null ? CHANGED : undefined;
  for (const key of Object.keys(value)) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    const problem = member === undefined && !Array.isArray(value) ? CHANGED : look(member, before[key], above);
    if (problem === CHANGED) changed = CHANGED;
    else if (problem !== undefined) return { path: `.${key}${problem.path}`, why: problem.why };
  }
  above.pop();
  Object.freeze(value);
  return changed;
}

/** @returns undefined for a plain object or array, which JSON gives back as what they are, but for what is in them. */
export function findWhyNot(value: object): string | undefined {
  if (Object.getOwnPropertySymbols(value).length > 0) return "an object with a symbol";
  if (Array.isArray(value)) {
    // Such as what a regular expression finds.
    return Object.keys(value).length === value.length ? undefined : "an array with holes or names";
  }
  // Writing such a member would change what the object is made from.
  if (Object.hasOwn(value, "__proto__")) return "an object with __proto__";
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return undefined;
  const maker: unknown = value.constructor;
  return `a ${typeof maker === "function" && maker.name !== "" ? maker.name : "class"}`;
}
