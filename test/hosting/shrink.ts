/** Members that a case may do without. */
const OPTIONAL = [
  "on",
  "after",
  "always",
  "onDone",
  "entry",
  "exit",
  "hasOutput",
  "target",
  "reenter",
  "guard",
  "actions",
];

/**
 * Makes a failing case smaller, by leaving out elements and optional members of its JSON for as long as it still fails.
 *
 * @param fails - whether a case fails; one that cannot be built does not.
 * @returns the smallest case found.
 */
export function shrink<Case>(failing: Case, fails: (smaller: Case) => boolean): Case {
  for (let smallest = failing; ; ) {
    const smaller = [...variants(smallest)].find((variant) => fails(variant as Case));
    if (smaller === undefined) return smallest;
    smallest = smaller as Case;
  }
}

/** The value with one thing less, the larger things first. */
function* variants(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    if (value.length > 1) for (const index of value.keys()) yield value.toSpliced(index, 1);
    for (const [index, member] of value.entries()) {
      for (const variant of variants(member)) yield value.with(index, variant);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      const others = Object.entries(value).filter(([name]) => name !== key);
      if (OPTIONAL.includes(key)) yield Object.fromEntries(others);
      for (const variant of variants(member)) yield { ...value, [key]: variant };
    }
  }
}
