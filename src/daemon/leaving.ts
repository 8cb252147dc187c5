import { setTimeout as delay } from "node:timers/promises";
import { holdsLane } from "../members/member.ts";
import type { Membership } from "../members/membership.ts";
import type { OwnRecord } from "./own-record.ts";
import type { Parts } from "./parts.ts";

const LOOK_EVERY_MS = 500;

/**
 * Gives all lanes to the other daemons. Resolves when those hold them, however long that takes: what the stream has lost of
 * a lane, this daemon may be the only one to have. Until then it goes on reading what nobody has taken.
 *
 * @throws the reason of the signal.
 */
export async function leaveLanes(
  { own, streams, reading }: Pick<Parts, "own" | "streams" | "reading">,
  record: OwnRecord,
  membership: Membership,
  signal: AbortSignal,
): Promise<void> {
  record.leave();
  for (;;) {
    // Whoever is asked is told with the question that we leave.
    await membership.refresh();
    const us = record.describe();
    await reading.ownership.rebalance(membership.members(), us);
    const others = membership.members().filter(({ id }) => id !== us.id);
    if (own.taken().length === 0 && streams.lanes.all.every((lane) => others.some((other) => holdsLane(other, lane))))
      return;
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}

/** Within the 10 s of a stop, beside what publishing may take. */
const HAND_OVER_MS = 3500;
const LOOK_SOON_MS = 20;

/**
 * Before a stop: what other daemons are to have they read along and ask for. Resolves when they have it, or after a while; at
 * once when there is nobody to have it.
 */
export async function handOver(
  { reading: { ownership } }: Pick<Parts, "reading">,
  record: OwnRecord,
  membership: Membership,
): Promise<void> {
  const endMs = performance.now() + HAND_OVER_MS;
  record.leave();
  await ownership.rebalance(membership.members(), record.describe());
  membership.announce();
  while (ownership.kept().length > 0 && performance.now() < endMs) await delay(LOOK_SOON_MS);
}
