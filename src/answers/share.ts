/**
 * Said by each daemon with an answer about more than one actor: of which partitions it is. What several of them answer is
 * of all when every partition is there once.
 */
export interface Share {
  readonly partitions: readonly number[];
  /** How many there are. */
  readonly of: number;
  /** One of them has moved here a moment ago, and is still being read: an answer of now may be had at once. */
  readonly settling?: true;
}

/** One daemon's answer. */
export interface Part {
  readonly share: Share;
  /** How often all had been asked before. */
  readonly round: number;
}

/** Answers that together are of every partition, as far as there are such. */
export interface Coverage<Given extends Part> {
  /** No partition is in two of them. */
  readonly parts: readonly Given[];
  /** Partitions that are in none; undefined while nobody has said how many there are. */
  readonly missing: readonly number[] | undefined;
}

/**
 * Chooses of all that was answered, over several rounds of asking, what goes together. A partition that moves is in two
 * answers of one round, or in none: it counts for nobody until a later round. A later answer takes the place of every
 * earlier one that has a partition in common with it: its giver has gone, or given that partition away.
 */
export function cover<Given extends Part>(answered: readonly Given[]): Coverage<Given> {
  const rounds = [...Map.groupBy(answered, ({ round }) => round)].sort(([a], [b]) => b - a).map(([, given]) => given);
  const of = rounds[0]?.[0]?.share.of;
  const taken = new Set<number>();
  const parts: Given[] = [];
  for (const given of rounds) {
    const claims = new Map<number, number>();
    const alike = given.filter(({ share }) => share.of === of);
    for (const { share } of alike) for (const each of share.partitions) claims.set(each, (claims.get(each) ?? 0) + 1);
    const free = alike.filter(({ share }) => share.partitions.every((p) => claims.get(p) === 1 && !taken.has(p)));
    parts.push(...free.filter(({ share }) => share.partitions.length > 0));
    for (const { share } of free) for (const each of share.partitions) taken.add(each);
  }
  if (of === undefined) return { parts, missing: undefined };
  return { parts, missing: Array.from({ length: of }, (_, partition) => partition).filter((each) => !taken.has(each)) };
}

/** @returns undefined when an answer does not say of which partitions it is. */
export function readShare(answer: object): Share | undefined {
  const { share } = answer as { readonly share?: Partial<Share> };
  if (share === undefined || !Array.isArray(share.partitions) || typeof share.of !== "number") return undefined;
  return { partitions: share.partitions, of: share.of, ...(share.settling === true && { settling: true }) };
}
