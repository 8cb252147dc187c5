/** How much may stay in memory. */
export interface HotBounds {
  readonly maxActors: number;
  readonly maxBytes: number;
}

interface Entry<Value> {
  readonly value: Value;
  bytes: number;
  /** The last batch that asked for it. */
  batch: number;
}

/** Keeps what was used last, bounded by number and bytes. What the open batch has asked for stays until it is closed. */
export interface HotCache<Value> {
  get(name: string): Value | undefined;
  set(name: string, value: Value, bytes: number): void;
  /** Its size has changed. */
  weigh(name: string, bytes: number): void;
  /** Does not leave while it is pinned. */
  pin(name: string): void;
  unpin(name: string): void;
  delete(name: string): void;
  /** Forgets all of which this holds. */
  deleteAll(holds: (value: Value) => boolean): void;
  /** From here on everything may leave. */
  closeBatch(): void;
  size(): number;
  bytes(): number;
}

export function createHotCache<Value>({ maxActors, maxBytes }: HotBounds): HotCache<Value> {
  /** Least recently used first. */
  const entries = new Map<string, Entry<Value>>();
  const fewest = maxActors - Math.floor(maxActors / 64);
  let bytes = 0;
  let batch = 0;
  const pinned = new Set<string>();

  function remove(name: string): void {
    const entry = entries.get(name);
    if (entry === undefined) return;
    bytes -= entry.bytes;
    entries.delete(name);
  }

  function trim(): void {
    if (entries.size <= maxActors && bytes <= maxBytes) return;
    // Some more at once: a Map finds its first entry by passing over those that have left.
    for (const [name, entry] of entries) {
      if (entries.size <= fewest && bytes <= maxBytes) return;
      if (entry.batch === batch) return;
      if (!pinned.has(name)) remove(name);
    }
  }

  return {
    get(name) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      entry.batch = batch;
      entries.delete(name);
      entries.set(name, entry);
      return entry.value;
    },
    set(name, value, size) {
      remove(name);
      entries.set(name, { value, bytes: size, batch });
      bytes += size;
      trim();
    },
    weigh(name, size) {
      const entry = entries.get(name);
      if (entry === undefined) return;
      bytes += size - entry.bytes;
      entry.bytes = size;
    },
    pin: (name) => void pinned.add(name),
    unpin: (name) => void pinned.delete(name),
    delete: remove,
    deleteAll(holds) {
      for (const [name, { value }] of entries) if (holds(value)) remove(name);
    },
    closeBatch() {
      batch++;
      trim();
    },
    size: () => entries.size,
    bytes: () => bytes,
  };
}
