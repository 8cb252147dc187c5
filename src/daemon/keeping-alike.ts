import { keepAlike } from "../care/alike.ts";
import { release } from "../care/release.ts";
import { createRestoration } from "../care/restoration.ts";
import { startRetention } from "../care/retention.ts";
import { createRetirement } from "../care/retirement.ts";
import { type AlikeAnswer, type AlikeQuestion, tellAlike } from "../flow/alike.ts";
import { readActorHistory } from "../jetstream/actor-history.ts";
import { askAlike } from "../members/alike-wire.ts";
import type { Reply } from "../members/handover.ts";
import { holdsLane, type Member } from "../members/member.ts";
import { askToYield } from "../members/yielding.ts";
import { createRetiredRows } from "../store/retired.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Parts } from "./parts.ts";

type AlikeParts = Pick<
  Parts,
  "config" | "types" | "store" | "connection" | "path" | "own" | "trouble" | "instance" | "logger"
>;

/** Of lanes that are followed: what their owners have released and retired is so here, and comes back as it does there. */
export function startKeepingAlike(parts: AlikeParts, members: () => readonly Member[]): () => void {
  const { config, types, store, connection, path, own, trouble, instance, logger } = parts;
  const { journal } = store;
  const { processor, committed: onCommitted } = path.followed;
  const rows = createRetiredRows(store.db);
  const stations = { journal, rows, actors: path.actors, processor };
  const retirement = createRetirement(stations);
  const onTrouble = (error: Error) => logger.debug({ err: error }, "copies are not kept like their owners'");
  const isReady = () => path.isFree() && connection.isConnected();
  const followed = () => (isReady() ? own.followed() : []);
  const holderOf = (lane: Lane) => members().find((each) => each.instance !== instance && holdsLane(each, lane))?.id;
  const endAlike = keepAlike({
    ...{ types, journal, rows, processor, retirement, followed, onCommitted, onTrouble },
    retainMs: config.NATSTATE_RETAIN,
    quarantined: (lane, after, limit) => quarantinedIn(store, lane, limit, after),
    async ask(lane, question) {
      const holder = holderOf(lane);
      return holder === undefined ? undefined : askAlike(connection.session.nc, holder, lane, question);
    },
  });
  // Of whom something late is heard comes back here as with the owner: by the takeover the streams may have lost it.
  const endRetention = startRetention({
    ...{ types, rows, retirement, onCommitted, onTrouble, retainMs: null },
    restoration: createRestoration({ ...stations, limits: { maxBytes: config.NATSTATE_MAX_EVENT_BYTES } }),
    idleLanes: () => [],
    // Not those that are far behind: of them a copy may be on its way into the store.
    laneOf: (row) => own.followed().find((lane) => lane.type.name === row.type && lane.partition === row.partition),
    readHistory: (lane, actorId, upTo) => readActorHistory(connection.session.jsm, lane, actorId, upTo),
    checkStream: (lane) => path.publishing.learning.checkFollowed(lane).catch(trouble.ofFollowed),
    onRetired() {},
    onRestored() {},
  });
  return () => {
    endAlike();
    endRetention();
  };
}

function quarantinedIn(
  { queries }: AlikeParts["store"],
  { type, partition }: Lane,
  limit: number,
  after = "",
): string[] {
  const page = queries.quarantined(type, { after, limit, partitions: [partition] });
  return (page[type.collection] as readonly Record<string, unknown>[]).map((entry) => String(entry[type.idField]));
}

/** Asked about with one question, 52 KB of the longest ids: each server takes messages of 64. */
const AT_HAND_OVER = 400;
/**
 * So long a lane stands still for further questions, of 2 ms each, after it was given. Whoever is left is as the last look has
 * found it.
 */
const FURTHER_MS = 1000;

/**
 * Asks a holder for a lane, and lets what it has released take effect here: since it was asked last, nobody may have been
 * told.
 */
export async function askForLane(
  { store, connection, path }: Pick<AlikeParts, "store" | "connection" | "path">,
  holder: string,
  lane: Lane,
): Promise<Reply> {
  const { processor, committed } = path.followed;
  /** @param after - behind this one by id. */
  async function askBehind(after: string) {
    const ids = quarantinedIn(store, lane, AT_HAND_OVER, after);
    const { reply, released } = await askToYield(connection.session.nc, holder, lane, ids);
    for (const actorId of released) {
      const startedMs = performance.now();
      const result = release(store.journal, processor, lane, actorId);
      if (result !== undefined) committed(result, performance.now() - startedMs);
    }
    return { reply, last: ids.length === AT_HAND_OVER && reply === "yielded" ? ids.at(-1) : undefined };
  }

  const { reply, last } = await askBehind("");
  // Who has given a lane says yes for a while; whatever comes of the rest, it is given.
  const endMs = performance.now() + FURTHER_MS;
  for (let after = last; after !== undefined && performance.now() < endMs; ) ({ last: after } = await askBehind(after));
  return reply;
}

/** A holder that was too busy to say so when it gave a lane is asked again after a second. */
const GIVEN_MS = 5000;

/**
 * Gives a lane to who asks for it, and says who of those that are quarantined there is so here no longer. What fails is told
 * here and refused: it is asked again.
 */
export function givingOf({
  store: { journal },
  own,
  reading: { ownership },
  logger,
}: Pick<Parts, "store" | "own" | "reading" | "logger">): (
  lane: Lane,
  quarantined: readonly string[],
) => Promise<readonly string[] | undefined> {
  /** What we were not the owner of, we may know little of. */
  const givenMs = new Map<Lane, number>();
  async function give(lane: Lane, quarantined: readonly string[]): Promise<readonly string[] | undefined> {
    if (own.taken().includes(lane)) givenMs.set(lane, performance.now());
    if (!(await ownership.yield(lane))) return undefined;
    if (performance.now() - (givenMs.get(lane) ?? Number.NEGATIVE_INFINITY) > GIVEN_MS) return [];
    return quarantined.filter((actorId) => !journal.isQuarantined(lane.type.name, actorId));
  }
  return (lane, quarantined) =>
    give(lane, quarantined).catch((error: Error) => {
      const { stream, partition } = lane;
      logger.warn({ err: error, stream, partition }, "a partition that another daemon asks for could not be given");
      return undefined;
    });
}

/** What is answered to a copy: only by who reads the lane as its owner. */
export function alikeOf({
  store,
  own,
}: Pick<Parts, "store" | "own">): (lane: Lane, question: AlikeQuestion) => AlikeAnswer | undefined {
  const stored = { journal: store.journal, rows: createRetiredRows(store.db) };
  return (lane, question) => (own.taken().includes(lane) ? tellAlike(stored, lane, question) : undefined);
}
