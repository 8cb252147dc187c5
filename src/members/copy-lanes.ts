import type { JetStreamManager } from "@nats-io/jetstream";
import { type Clock, SYSTEM_CLOCK, waitFor } from "../flow/clock.ts";
import type { LaneRecords } from "../flow/lane-records.ts";
import { unlessEnded } from "../flow/unless-ended.ts";
import { type MissingMessages, MissingMessagesError } from "../jetstream/missing-messages.ts";
import { StreamIdentityError } from "../jetstream/stream-identity.ts";
import type { Lane } from "../wire/lanes.ts";
import { type CopySource, type CopySources, hasTaken, readTo } from "./copy-sources.ts";
import { type BusyWait, type Copied, type CopyTaking, type LaneAt, newBusyWait } from "./copy-taking.ts";
import type { Member } from "./member.ts";

/** Brings lanes near to where other daemons are with them, before they are read. */
export type CopyLanes = ReturnType<typeof createCopyLanes>;

export interface CopyLanesOptions {
  readonly sources: CopySources;
  readonly jsm: JetStreamManager;
  readonly taking: CopyTaking;
  readonly missing: Pick<MissingMessages, "check">;
  readonly records: Pick<LaneRecords, "completeTo">;
  readonly partitions: number;
  readonly onBegin: (lane: Lane, from: Member, at: LaneAt) => void;
  readonly onCopied: (lane: Lane, from: Member, copied: Copied) => void;
  /** It was begun, and nothing came of it. */
  readonly onFailed: (lane: Lane, error: Error) => void;
  /** Then nothing is waited for any more. */
  readonly ended: AbortSignal;
  readonly clock?: Clock;
}

/** Fewer messages of its own are read from the stream as fast. */
const FEW_MESSAGES = 1000;
/** One that has just begun, or is busy, may not answer in the first round. */
const ROUNDS = 3;
const ROUND_MS = 500;

export function createCopyLanes(options: CopyLanesOptions) {
  const { sources, jsm, taking, missing, records, partitions } = options;
  const { onBegin, onCopied, onFailed, ended, clock = SYSTEM_CLOCK } = options;

  /** Why these cannot be read from where they are. */
  async function findGone(lanes: readonly Lane[]): Promise<Map<Lane, MissingMessagesError>> {
    const gone = new Map<Lane, MissingMessagesError>();
    for (const ofStream of Map.groupBy(lanes, ({ stream }) => stream).values()) {
      try {
        await missing.check(ofStream);
      } catch (error) {
        if (!(error instanceof MissingMessagesError)) throw error;
        for (const lane of error.lanes) gone.set(lane, error);
      }
    }
    return gone;
  }

  /** Those that have so much to read that it is worth to ask who has read it. */
  async function findFar(lanes: readonly Lane[]): Promise<readonly Lane[]> {
    const ends = new Map<string, number>();
    for (const stream of new Set(lanes.map((lane) => lane.stream))) {
      ends.set(stream, (await jsm.streams.info(stream)).state.last_seq);
    }
    return lanes.filter((lane) => isFar(records.completeTo(lane), ends.get(lane.stream) ?? 0));
  }

  /** A copy is all of a lane, however little of it is new. */
  function isFar(from: number, to: number): boolean {
    return (to - from) / partitions >= FEW_MESSAGES && from < to / 2;
  }

  async function copyFrom(lane: Lane, { member, at }: CopySource, wait: BusyWait): Promise<void> {
    onBegin(lane, member, at);
    try {
      onCopied(lane, member, await taking.copy(lane, member.id, wait));
    } catch (error) {
      onFailed(lane, error as Error);
      throw error;
    }
  }

  /** The past of this lane is gone: somebody has it, or it is not read. */
  async function copyGone(lane: Lane, why: MissingMessagesError, wait: BusyWait): Promise<void> {
    for (let round = 1; ; round++) {
      const members = await sources.members(lane.stream);
      const { source, failure } = await sources.find(lane, members);
      if (source !== undefined && source.at.stand.intactTo >= why.goneTo) return copyFrom(lane, source, wait);
      if (round < ROUNDS) {
        await unlessEnded(ended, waitFor(clock, ROUND_MS));
        continue;
      }
      const what = `partition ${lane.partition} of ${lane.stream} cannot be read without a copy`;
      if (failure !== undefined) throw new Error(`${what}: ${failure.message}`, { cause: failure });
      // Whoever reads it notes now and then that it lacks nothing.
      if (members.some((member) => hasTaken(member, lane))) throw new Error(`${what}, and who reads it is asked again`);
      const who = members.length === 0 ? "No other daemon answers." : "No daemon that answers has read them either.";
      throw new StreamIdentityError(`${why.message}\n${who}`, { cause: why });
    }
  }

  /** It may be read from the stream as well. */
  async function copyFar(lane: Lane, members: readonly Member[], wait: BusyWait): Promise<void> {
    const { source } = await sources.find(lane, members);
    if (source === undefined || !isFar(records.completeTo(lane), readTo(source.at))) return;
    await copyFrom(lane, source, wait).catch(() => ended.throwIfAborted());
    // To remove what is left of it may have failed, too.
    await taking.clear(lane);
  }

  async function bringNow(lanes: readonly Lane[]): Promise<void> {
    const wait = newBusyWait();
    for (const lane of lanes) await taking.clear(lane);
    const gone = await findGone(lanes);
    for (const [lane, why] of gone) await copyGone(lane, why, wait);
    const far = await findFar(lanes.filter((lane) => !gone.has(lane)));
    for (const [stream, ofStream] of Map.groupBy(far, (lane) => lane.stream)) {
      const members = await sources.members(stream);
      for (const lane of ofStream) await copyFar(lane, members, wait);
    }
  }

  /** Whoever brings each lane now: nobody reads it while its copy is half in the store. */
  const turns = new Map<Lane, Promise<unknown>>();

  return {
    /**
     * Copies those of these lanes that cannot be read from their checkpoints, and those that are far behind, from whichever
     * daemon has read the most of them. None of them is read at the moment; one that is being brought already, after that.
     *
     * @throws StreamIdentityError when the past of a lane is gone and no daemon has it; Error when one that has it could not
     *   give it now; the reason for the end, when that has come.
     */
    bring(lanes: readonly Lane[]): Promise<void> {
      const turn = Promise.all(lanes.map((lane) => turns.get(lane))).then(() => bringNow(lanes));
      const settled = turn.catch(() => {});
      for (const lane of lanes) turns.set(lane, settled);
      return turn;
    },
  };
}
