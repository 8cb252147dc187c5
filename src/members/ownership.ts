import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Delivered } from "../jetstream/delivery-audit.ts";
import type { LaneReader } from "../jetstream/lane-reader.ts";
import type { Doubt } from "../jetstream/lane-session.ts";
import type { Lane } from "../wire/lanes.ts";
import { assignLanes } from "./assignment.ts";
import { createFollowedLanes } from "./followed-lanes.ts";
import type { HandoverOptions } from "./handover.ts";
import { createHeldLanes, type HeldLanesOptions } from "./held-lanes.ts";
import type { Member } from "./member.ts";
import type { OwnLanes } from "./own-lanes.ts";
import { type Part, planLane } from "./plan.ts";

/** Keeps the lanes that are read in step with the lanes that are ours. */
export interface Ownership {
  /** Lanes of ours whose deliveries arrive. */
  reading(): readonly Lane[];
  /** Takes, follows and releases what the present members imply. Calls never overlap. @param own - which of them we are. */
  rebalance(members: readonly Member[], own: Member): Promise<void>;
  /** Another one asks for a lane. @returns when it may read it; false: it is not its to have. */
  yield(lane: Lane): Promise<boolean>;
  /** Lanes that are another's to have, and are ours until it asks for them. */
  kept(): readonly Lane[];
  /** Lanes that are read along beside their owners, also those whose copy is far behind. */
  following(): readonly Lane[];
  audit(lane: Lane, delivered: Delivered): void;
  /** This server leads the lane's consumer from now on. */
  elected(lane: Lane, leader: string): void;
  isCaughtUp(lane: Lane): boolean;
  /** Why lanes cannot be read, see `LaneReader`. */
  troubles(): readonly { readonly lane: Lane; readonly reason: string }[];
  /** Starts a lane that is read or followed over from its checkpoint. */
  doubt(lane: Lane, reason: Doubt, detail: string): void;
  /** Starts every lane over from its checkpoint. */
  doubtAll(reason: "connection"): void;
  /** From now on lanes are given away only. */
  takeNoMore(): void;
  /** Reads no more; lanes can be taken by others at once. */
  releaseAll(): Promise<void>;
}

export interface OwnershipOptions
  extends HeldLanesOptions,
    Pick<HandoverOptions, "endOf" | "firstUnread" | "learn" | "ask"> {
  readonly lanes: readonly Lane[];
  /** Told which are ours. */
  readonly own: OwnLanes;
  /** For each lane, how many read along beside its owner for good. */
  readonly standbys?: number;
  readonly follow: (lane: Lane) => LaneReader;
  /** It is not followed any more. */
  readonly onUnfollowed: (lane: Lane) => void;
  readonly clock?: Clock;
}

const RETRY_MS = 1000;

/** Takes, follows and releases lanes as members come and go. */
export function createOwnership(options: OwnershipOptions): Ownership {
  const { lanes, own, standbys = 0, clock = SYSTEM_CLOCK } = options;
  const held = createHeldLanes(options);
  /** Given to us by their holders, and not taken yet. */
  const granted = new Set<Lane>();
  let plan = new Map<Lane, Part>();
  let running: Promise<unknown> = Promise.resolve();
  /** As told last: a retry must not bring back members of before. */
  let latest: { readonly members: readonly Member[]; readonly own: Member } | undefined;
  let stopped = false;
  const followed = createFollowedLanes({
    ...{ ...options, open: options.follow, onEnded: options.onUnfollowed },
    holderOf: (lane) => holderIn(plan.get(lane)),
    async onYielded(lane) {
      granted.add(lane);
      await inTurn(apply);
    },
  });

  function planAll(): void {
    if (latest === undefined) return;
    const { members, own: us } = latest;
    const assignment = assignLanes({ lanes, members, own: us, standbys });
    const partOf = (lane: Lane) => {
      const state = { isHeld: held.reader(lane) !== undefined, isGranted: granted.has(lane) };
      return planLane(lane, { assigned: assignment.get(lane), members, ownId: us.id, ...state });
    };
    plan = new Map(lanes.map((lane) => [lane, partOf(lane)]));
  }

  async function apply(): Promise<void> {
    planAll();
    const ours = lanes.filter((lane) => isOurs(plan.get(lane)));
    await held.release((lane) => !ours.includes(lane));
    own.assign(ours);
    const missing = ours.filter((lane) => held.reader(lane) === undefined);
    // A copy goes on until it is ours.
    const isCopy = (lane: Lane) => missing.includes(lane) && followed.reader(lane) !== undefined;
    await followed.follow(lanes.filter((lane) => isFollowed(plan.get(lane)) || isCopy(lane)));
    if ((await held.take(missing, followed.end)) === "again") clock.after(RETRY_MS, () => void inTurn(apply));
    // What has become another's to have meanwhile is to be asked for again.
    for (const lane of granted) if (plan.get(lane) !== "hold" || held.reader(lane)) granted.delete(lane);
  }

  async function giveUp(lane: Lane): Promise<boolean> {
    planAll();
    if (plan.get(lane) !== "keep") return held.reader(lane) === undefined;
    own.assign(own.assigned().filter((other) => other !== lane));
    await held.release((other) => other === lane);
    // Its standby reads on.
    void inTurn(apply);
    return true;
  }

  /** One after the other, also after one that threw; nothing once it is stopped. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    const turn = running.then(() => (stopped ? undefined : work()));
    running = turn.catch(() => {});
    return turn;
  }

  return {
    ...held,
    rebalance(members, us) {
      latest = { members, own: us };
      return inTurn(apply);
    },
    yield: async (lane) => (await inTurn(() => giveUp(lane))) ?? held.reader(lane) === undefined,
    following: () => followed.readers().map(({ lane }) => lane),
    kept: () => held.readers().flatMap(({ lane }) => (plan.get(lane) === "keep" ? [lane] : [])),
    doubt: (lane, reason, detail) => (held.reader(lane) ?? followed.reader(lane))?.doubt(reason, detail),
    doubtAll(reason) {
      for (const reader of [...held.readers(), ...followed.readers()]) reader.doubt(reason);
    },
    async releaseAll() {
      stopped = true;
      held.takeNoMore();
      followed.stop();
      await running;
      await followed.follow([]);
      await held.releaseAtOnce();
    },
  };
}

function holderIn(part: Part | undefined): string | undefined {
  return typeof part === "object" ? part.askOf : undefined;
}

function isFollowed(part: Part | undefined): boolean {
  return part === "follow" || holderIn(part) !== undefined;
}

function isOurs(part: Part | undefined): boolean {
  return part === "hold" || part === "keep";
}
