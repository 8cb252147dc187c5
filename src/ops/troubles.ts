/** Says of each trouble once that it is there, and once that it has ended. */
export interface Troubles {
  /** @param present - all there are now, by what makes one the same as before; each a line. */
  update(present: ReadonlyMap<string, string>): void;
}

export function createTroubles(onBegun: (trouble: string) => void, onEnded: (trouble: string) => void): Troubles {
  /** As they were told. */
  const known = new Map<string, string>();
  return {
    update(present) {
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
    },
  };
}
