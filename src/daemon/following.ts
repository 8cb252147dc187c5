import { inRounds, SYSTEM_CLOCK } from "../flow/clock.ts";
import { readLane } from "../jetstream/lane-reader.ts";
import { nextOf } from "../jetstream/leader-reader.ts";
import type { Ownership, OwnershipOptions } from "../members/ownership.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Foundation } from "./foundation.ts";

/** What is read beside its owner takes the same path into the store, and nothing of it is published, said or counted. */
export function followingOf(
  parts: Foundation,
): Pick<OwnershipOptions, "follow" | "onUnfollowed" | "endOf" | "firstUnread" | "learn"> {
  const { connection, copying, streams, store, path, own, trouble, logger } = parts;
  const { followed } = path;
  /** What follows each lane now; one that was ended may still be bringing it. */
  const present = new Map<Lane, symbol>();
  return {
    follow(lane) {
      const self = Symbol(`follows ${lane.stream} ${lane.partition}`);
      present.set(lane, self);
      let isBrought = false;
      return readLane({
        jsm: connection.session.jsm,
        nc: connection.readings.nc,
        js: connection.readings.js,
        lane,
        isFollowing: true,
        manage: streams.topology.manage,
        async prepare() {
          if (!connection.isConnected()) throw new Error("not connected");
          // It is being made ready to be read as ours: none of it is to be replaced any more.
          if (!isBrought && own.owns(lane)) throw new Error("it is ours now");
          // Before anything of it is in memory.
          if (!isBrought) await copying.bring([lane]);
          isBrought = true;
          if (present.get(lane) === self) followed.resume(lane);
          await path.publishing.learning.follow([lane]).catch(trouble.ofFollowed);
        },
        checkpoint: () => store.journal.checkpoint(lane),
        onDelivery: followed.arrive,
        room: followed.room,
        onMended() {},
        onChanged: () => store.records.goBack(lane),
        onDoubt(reason, detail) {
          followed.dropQueued(lane);
          logger.debug({ stream: lane.stream, partition: lane.partition, reason, detail }, "follows anew");
        },
      });
    },
    onUnfollowed(lane) {
      present.delete(lane);
      followed.forget(lane);
    },
    endOf: async (lane) => (await connection.session.jsm.streams.info(lane.stream)).state.last_seq,
    firstUnread: (lane) => firstUnread(parts, lane),
    learn: (lane) => path.publishing.learning.follow([lane]),
  };
}

/** As the stream's leader says: what a replica does not have yet is missed by nobody else. */
async function firstUnread({ connection, store }: Foundation, lane: Lane): Promise<number | undefined> {
  return (await nextOf(connection.session.jsm, lane, store.journal.checkpoint(lane) + 1))?.sequence;
}

const LOOK_EVERY_MS = 5000;

/**
 * Keeps a copy as good as its owner's: what is published is learnt, so that there is little to learn at a takeover; up to
 * where nothing is unread is noted, so that nothing that ages is missed; and a consumer that gives nothing is left.
 *
 * @returns ends it; safe to call twice.
 */
export function watchFollowed(parts: Foundation, ownership: Pick<Ownership, "doubt" | "following">): () => void {
  const { connection, store, path, own, logger } = parts;
  /** The first unread of each lane, at the look before. */
  let before = new Map<Lane, number | undefined>();

  async function look(): Promise<void> {
    const lanes = own.followed();
    if (lanes.length === 0 || !connection.isConnected()) return;
    const complete = new Map<Lane, number>();
    const unread = new Map<Lane, number | undefined>();
    for (const lane of lanes) {
      const { last_seq } = (await connection.session.jsm.streams.info(lane.stream)).state;
      const first = await firstUnread(parts, lane);
      unread.set(lane, first);
      if (first === undefined) complete.set(lane, last_seq);
      else if (before.get(lane) === first) ownership.doubt(lane, "gap", `message ${first} has not arrived`);
    }
    before = unread;
    // After the answers above: nothing was left to read because it was read, not because it is gone.
    await path.publishing.learning.follow(lanes);
    const still = own.followed();
    store.records.saveCompleteTo(new Map([...complete].filter(([lane]) => still.includes(lane))));
    path.missing.forget([...own.taken(), ...ownership.following()]);
  }

  return inRounds(SYSTEM_CLOCK, LOOK_EVERY_MS, async () => {
    await look().catch((error: Error) => logger.debug({ err: error }, "followed partitions not looked at"));
    return LOOK_EVERY_MS;
  });
}
