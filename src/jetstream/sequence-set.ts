/** Sequences from `from` to `to`, both included. */
export interface SequenceRange {
  readonly from: number;
  readonly to: number;
}

/** Stream sequences: a bit each, in pages that come and go. */
export type SequenceSet = ReturnType<typeof createSequenceSet>;

/** Sequences a page: 8 KiB. */
const PAGE = 65_536;

export function createSequenceSet() {
  const pages = new Map<number, Uint8Array>();

  function has(sequence: number): boolean {
    const offset = sequence % PAGE;
    return ((pages.get(Math.floor(sequence / PAGE))?.[offset >> 3] ?? 0) & (1 << (offset & 7))) !== 0;
  }

  return {
    add(sequence: number): void {
      const index = Math.floor(sequence / PAGE);
      const page = pages.get(index) ?? new Uint8Array(PAGE / 8);
      pages.set(index, page);
      const offset = sequence % PAGE;
      page[offset >> 3] = (page[offset >> 3] ?? 0) | (1 << (offset & 7));
    },
    /** The parts of a range that are not in the set, ascending. */
    missingOf({ from, to }: SequenceRange): SequenceRange[] {
      const missing: { from: number; to: number }[] = [];
      for (let sequence = from; sequence <= to; sequence++) {
        if (has(sequence)) continue;
        // A page that is not there has none of its sequences.
        const isWhole = !pages.has(Math.floor(sequence / PAGE));
        const end = isWhole ? Math.min(to, (Math.floor(sequence / PAGE) + 1) * PAGE - 1) : sequence;
        const last = missing.at(-1);
        if (last?.to === sequence - 1) last.to = end;
        else missing.push({ from: sequence, to: end });
        sequence = end;
      }
      return missing;
    },
    /** Gives up whole pages below a sequence. */
    forgetBelow(sequence: number): void {
      for (const index of pages.keys()) if ((index + 1) * PAGE <= sequence) pages.delete(index);
    },
  };
}
