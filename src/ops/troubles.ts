/** Says of each trouble once that it is there, and once that it has ended. */
export interface Troubles {
  /** @param present - all there are now, a line each. */
  update(present: readonly string[]): void;
}

export function createTroubles(onBegun: (trouble: string) => void, onEnded: (trouble: string) => void): Troubles {
  let known = new Set<string>();
  return {
    update(present) {
      const now = new Set(present);
      for (const trouble of now) if (!known.has(trouble)) onBegun(trouble);
      for (const trouble of known) if (!now.has(trouble)) onEnded(trouble);
      known = now;
    },
  };
}
