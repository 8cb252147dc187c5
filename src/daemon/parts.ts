import type { Msg } from "@nats-io/transport-node";
import type { ActorType } from "../actor/actor-type.ts";
import type { Activity } from "../answers/activity.ts";
import type { Standing } from "../answers/find-actor.ts";
import type { Inspections } from "../answers/inspection.ts";
import type { BatchResult } from "../flow/batch-result.ts";
import type { Pause } from "../flow/batcher.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import type { Delivery } from "../flow/delivery.ts";
import type { Room } from "../flow/delivery-queue.ts";
import type { HotActors } from "../flow/hot-actors.ts";
import type { Observer } from "../flow/observer.ts";
import type { Processor } from "../flow/processor.ts";
import type { StreamTimes } from "../flow/stream-times.ts";
import type { LagWatch } from "../jetstream/lag-watch.ts";
import type { Learning } from "../jetstream/learn-published.ts";
import type { MissingMessages } from "../jetstream/missing-messages.ts";
import type { Patience } from "../jetstream/patience.ts";
import type { Publisher } from "../jetstream/publisher.ts";
import type { CopyLanes } from "../members/copy-lanes.ts";
import type { OwnLanes } from "../members/own-lanes.ts";
import type { Ownership } from "../members/ownership.ts";
import type { Check, Health } from "../ops/health.ts";
import type { Metrics } from "../ops/metrics.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Connection } from "./connection.ts";
import type { LaneTrouble } from "./lane-trouble.ts";
import type { OwnServerOptions } from "./nats-setup.ts";
import type { Store } from "./open-store.ts";
import type { Streams } from "./streams.ts";

/** What a daemon is told at its start. */
export interface DaemonOptions extends OwnServerOptions {
  readonly types: readonly ActorType[];
  /** Streams whose recreation or loss of messages is accepted, by name. */
  readonly acceptStreams?: readonly string[];
  /** Something that only a person can resolve; the daemon has stopped reading. */
  readonly onFatal: (error: Error) => void;
  /** False: rejects when NATS does not answer at start, instead of waiting until it does. */
  readonly mayWait?: boolean;
  /** Aborted: the start no longer waits for NATS, and rejects. */
  readonly signal?: AbortSignal;
  /** Told the moments of the path; tests end the process at one. */
  readonly reached?: ReachCrashPoint;
  /** Present when a supervisor runs this daemon beside others. */
  readonly siblings?: Siblings | undefined;
}

/** The daemons that one supervisor runs on this machine, ours among them; any of them may be asked over HTTP. */
export interface Siblings {
  /** Ours, as metrics are labelled. */
  readonly daemon: string;
  /** What pages of any of them send back, see `createChangeGuard`. */
  readonly pageToken: Promise<string>;
  /** Told where our own metrics are from. */
  meet(collect: Metrics["collect"]): void;
  /** Are the others ready? */
  check(): Check;
  scrape: Metrics["render"];
}

/**
 * What a daemon is made of, in the order in which it is opened and against which it is closed. Each file beside this one
 * opens one part, from some of those above it.
 */
export interface Parts extends Pick<DaemonOptions, "config" | "env" | "types" | "logger" | "onFatal" | "siblings"> {
  readonly version: string;
  /** Of the data directory. */
  readonly instance: string;
  readonly reached: ReachCrashPoint;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly patiently: Patience;
  readonly connection: Connection;
  readonly streams: Streams;
  readonly own: OwnLanes;
  readonly observers: Observers;
  readonly trouble: LaneTrouble;
  readonly path: Path;
  readonly copying: Copying;
  readonly reading: Reading;
  readonly ticking: Ticking;
  readonly readiness: Readiness;
  readonly standing: Standing;
}

/** Those who are told what happens on the path. */
export interface Observers {
  /** Tells all of them. */
  readonly observer: Required<Observer>;
  /** One more is told from now on. */
  add(observer: Observer): void;
  readonly activity: Activity;
  readonly inspections: Inspections;
}

/** The path of events in this process: from a delivery to what is published. Read `flow/processor.ts` for its middle. */
export interface Path {
  readonly actors: HotActors;
  readonly processor: Processor;
  readonly missing: MissingMessages;
  readonly publishing: Publishing;
  readonly room: Room;
  arrive(delivery: Delivery): void;
  /** As after any other batch. @param commitMs - the time it took. */
  committed(result: BatchResult, commitMs: number): void;
  /** Forgets what is queued of a lane: it will be delivered anew. */
  dropQueued(lane: Lane): void;
  /** A lane is about to be read: who was behind in it catches up. */
  resume(lane: Lane): void;
  /** Forgets all that is in memory of a lane that is no longer ours. */
  forget(lane: Lane): void;
  /** The same path for lanes that are read beside their owner: nothing of them is published or told. */
  readonly followed: Pick<Path, "processor" | "committed" | "arrive" | "room" | "dropQueued" | "resume" | "forget"> & {
    /** May something of it arrive there? */
    isRead(lane: Lane): boolean;
  };
  queued(): number;
  pause(): Pause | null;
  /** Can the store be written, and does no event wait for it at the moment? */
  isFree(): boolean;
  /** Applies what has arrived and publishes what is due, then takes nothing more. */
  drain(): Promise<void>;
}

/** The end of the path: what is due is published, once it is known what the streams hold of it. */
export interface Publishing extends Pick<Publisher, "offer" | "backlog" | "trouble"> {
  readonly learning: Learning;
  /** False: so much waits to be published that nothing more is applied. */
  hasRoom(): boolean;
  /** A stream that is published to has another leader: what the former one has not acknowledged is looked for at once. */
  leaderChanged(): void;
  /** Publishes what is due of a lane. */
  offerDue(lane: Lane): void;
  /** Forgets what waits for a lane that is no longer ours. */
  forget(lane: Lane): void;
  /** Resolves when nothing of a lane waits, or after a short while. */
  settle(lane: Lane): Promise<void>;
  /** Publishes what waits, as far as that does not take long. */
  drain(): Promise<void>;
}

/** Lanes are copied from other daemons' stores to this one, and from this one to others. */
export interface Copying extends Pick<CopyLanes, "bring"> {
  /** Answers `natstate.daemons.<id>.copy`. */
  give(message: Msg): void;
  /** Which lane is copied, and how far that is; for a person. */
  progress(): string | undefined;
  /** Told whenever a lane has been taken over. */
  onCopied(tell: () => void): void;
  /** Waits for no other daemon any more: what is being taken is dropped. Safe to call twice. */
  takeNoMore(): void;
  /** Ends what is going on. Safe to call twice. */
  stop(): void;
}

/** The lanes that are ours: read, and how far behind each is. */
export interface Reading {
  readonly ownership: Ownership;
  readonly lag: LagWatch;
  /** As each measurement of the lag says. */
  readonly times: StreamTimes;
  /** Measures the lag of these lanes now, for `times` alone. */
  ask(lanes: readonly Lane[]): Promise<void>;
}

/** Delays that have ended are said to their actors. */
export interface Ticking {
  /** Why a type's ticks do not get in, a line each. */
  troubles(): readonly string[];
  /** Ticks of a type that were not heard yet. */
  onTheirWay(type: ActorType): number;
  /** For how long the oldest delay of a type that has ended waits for its tick, ms; 0 when none does. */
  overdueMs(type: ActorType): number;
  /** Safe to call twice. */
  stop(): void;
}

/** What the daemon says of itself: over HTTP, in its gauges and, once for each trouble, in its log. */
export interface Readiness {
  health(): Health;
  /** Connected, and JetStream answers for every stream: only then is anything that is known of it of the present. */
  isAnswering(): boolean;
  /** Lanes whose deliveries arrive. */
  reading(): readonly Lane[];
  /** How far each lane is behind, as far as that is known now. */
  lag(): ReadonlyMap<Lane, number>;
  /** Says in what other daemons differ from this one now, a line each; each once in the log. */
  disagree(disagreements: readonly string[]): void;
  /** This server leads a stream from now on. */
  elected(stream: string, leader: string): void;
  /** The connection is back, or another: what was asked on the former one gets no answer. */
  askAnew(how: "reconnected" | "moved"): void;
  stop(): void;
}
