import type { OutboxStreams } from "../flow/outbox.ts";
import type { Lane } from "../wire/lanes.ts";
import { type LearnPublishedOptions, learnPublished } from "./learn-published.ts";
import type { MissingMessages } from "./missing-messages.ts";
import { checkOutboxStreams, type LostMessages } from "./outbox-streams.ts";
import { type KnownPositions, readKnownIdentity, StreamIdentityError } from "./stream-identity.ts";
import type { TopologyWatch } from "./topology-watch.ts";

/** What has to be known before a lane is read. */
export interface Preparation {
  /** Lanes that become ours. Rejects with StreamIdentityError when they cannot be read from their checkpoints. */
  take(lanes: readonly Lane[]): Promise<void>;
  /** A lane that is ours and is read again: whoever had it meanwhile has published for it. */
  again(lane: Lane): Promise<void>;
  /** Is the stream still the one that the checkpoint speaks of? Tells `onRefused` and rejects when it is not. */
  checkStream(lane: Lane): Promise<void>;
  /** Learns what has been published for every lane of ours. Tells `onRefused` and rejects as `checkStream`. */
  catchUp(): Promise<void>;
}

export interface PreparationOptions extends LearnPublishedOptions {
  readonly records: KnownPositions;
  readonly outboxStreams: OutboxStreams;
  readonly missing: MissingMessages;
  readonly topology: TopologyWatch;
  readonly assigned: () => readonly Lane[];
  readonly onRefused: (error: StreamIdentityError) => void;
  /** What outbox streams have lost is due again; told when it is known what they still hold. */
  readonly onLost: (lost: readonly LostMessages[]) => void;
}

/** Holds streams against the store, and the store against what the streams hold of it. */
export function createPreparation(options: PreparationOptions): Preparation {
  const { jsm, records, missing, topology, assigned, onRefused, onLost } = options;
  let catchingUp: Promise<void> | undefined;
  const untold: LostMessages[] = [];

  async function checkStream(lanes: readonly Lane[]): Promise<void> {
    for (const stream of new Set(lanes.map((lane) => lane.stream))) {
      await readKnownIdentity(jsm, records, stream);
    }
    await missing.check(lanes);
  }

  /** Nothing can be done about it here: whoever waits for it is to hear it too. */
  async function orRefuse(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof StreamIdentityError) onRefused(error);
      throw error;
    }
  }

  async function learn(lanes: readonly Lane[]): Promise<void> {
    // Noticed once; told when it is known what they still hold, which may take several attempts.
    untold.push(...(await checkOutboxStreams(options)));
    await learnPublished(options, lanes);
    if (untold.length > 0) onLost(untold.splice(0));
  }

  return {
    async take(lanes) {
      await checkStream(lanes);
      await topology.refuse(lanes, true);
      await learn(lanes);
    },
    async again(lane) {
      await orRefuse(() => checkStream([lane]));
      await topology.refuse([lane], false);
      // One for all that ask at a time: mostly every lane is read again at once.
      catchingUp ??= orRefuse(() => learn(assigned())).finally(() => {
        catchingUp = undefined;
      });
      await catchingUp;
    },
    checkStream: (lane) => orRefuse(() => checkStream([lane])),
    catchUp: () => orRefuse(() => learn(assigned())),
  };
}
