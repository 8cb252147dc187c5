import { keepAlike } from "../care/alike.ts";
import { createRestoration } from "../care/restoration.ts";
import { startRetention } from "../care/retention.ts";
import { createRetirement } from "../care/retirement.ts";
import { type AlikeAnswer, type AlikeQuestion, tellAlike } from "../flow/alike.ts";
import { readActorHistory } from "../jetstream/actor-history.ts";
import { askAlike } from "../members/alike-wire.ts";
import { holdsLane, type Member } from "../members/member.ts";
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
  const { journal, queries } = store;
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
    quarantined({ type, partition }, after, limit) {
      const page = queries.quarantined(type, { after, limit, partitions: [partition] });
      return (page[type.collection] as readonly Record<string, unknown>[]).map((entry) => String(entry[type.idField]));
    },
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

/** What is answered to a copy: only by who reads the lane as its owner. */
export function alikeOf({
  store,
  own,
}: Pick<Parts, "store" | "own">): (lane: Lane, question: AlikeQuestion) => AlikeAnswer | undefined {
  const stored = { journal: store.journal, rows: createRetiredRows(store.db) };
  return (lane, question) => (own.taken().includes(lane) ? tellAlike(stored, lane, question) : undefined);
}
