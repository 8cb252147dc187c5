import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { Outbox } from "../flow/outbox.ts";
import type { Lane } from "../flow/ports.ts";
import { catchUpOutbox } from "./catch-up.ts";
import { type KnownPositions, readKnownIdentity, refuseMissingMessages, StreamIdentityError } from "./identity.ts";

/** What has to be known before a lane is read. */
export interface Preparation {
  /** Lanes that become ours. Rejects with StreamIdentityError when they cannot be read from their checkpoints. */
  take(lanes: readonly Lane[]): Promise<void>;
  /** A lane that is ours and is read again: whoever had it meanwhile has published for it. */
  again(lane: Lane): Promise<void>;
  /** Is the stream still the one that the checkpoint speaks of? Tells `onRefused` and rejects when it is not. */
  checkStream(lane: Lane): Promise<void>;
  /** Learns what has been published for every lane of ours. */
  catchUp(): Promise<void>;
}

export interface PreparationOptions {
  readonly jsm: JetStreamManager;
  readonly js: JetStreamClient;
  readonly records: KnownPositions;
  readonly outbox: Outbox;
  readonly partitions: number;
  readonly assigned: () => readonly Lane[];
  readonly onRefused: (error: StreamIdentityError) => void;
}

/** Holds streams against the store, and the store against what the streams hold of it. */
export function createPreparation(options: PreparationOptions): Preparation {
  const { jsm, js, records, outbox, partitions, assigned, onRefused } = options;
  let catchingUp: Promise<void> | undefined;

  async function checkStream(lanes: readonly Lane[]): Promise<void> {
    for (const stream of new Set(lanes.map((lane) => lane.stream))) {
      const identity = await readKnownIdentity(jsm, records, stream);
      refuseMissingMessages(records, identity, lanes);
    }
  }

  async function checkOne(lane: Lane): Promise<void> {
    try {
      await checkStream([lane]);
    } catch (error) {
      if (error instanceof StreamIdentityError) onRefused(error);
      throw error;
    }
  }

  const catchUp = () => catchUpOutbox(jsm, js, outbox, assigned(), partitions);

  return {
    async take(lanes) {
      await checkStream(lanes);
      await catchUpOutbox(jsm, js, outbox, lanes, partitions);
    },
    async again(lane) {
      await checkOne(lane);
      // One for all that ask at a time: mostly every lane is read again at once.
      catchingUp ??= catchUp().finally(() => {
        catchingUp = undefined;
      });
      await catchingUp;
    },
    checkStream: checkOne,
    catchUp,
  };
}
