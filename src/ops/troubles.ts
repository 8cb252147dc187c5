/**
 * Says of each trouble once that it is there, and once that it has ended.
 *
 * @returns is told all there are now, by what makes one the same as before; each a line.
 */
export function createTroubles(
  onBegun: (trouble: string) => void,
  onEnded: (trouble: string) => void,
): (present: ReadonlyMap<string, string>) => void {
  /** As they were told. */
  const known = new Map<string, string>();
  return (present) => {
    for (const [key, trouble] of known) {
      if (present.has(key)) continue;
      known.delete(key);
      onEnded(trouble);
    }
    for (const [key, trouble] of present) {
      if (known.has(key)) continue;
      known.set(key, trouble);
      onBegun(trouble);
    }
  };
}
