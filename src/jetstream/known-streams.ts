import type { Lane } from "../flow/ports.ts";
import { NatsSetupError } from "./connect.ts";
import { type KnownPositions, refuseOtherStream } from "./identity.ts";
import type { StreamIdentity } from "./topology.ts";

/** What the store knows of streams, and learns. */
export interface StreamRecords extends KnownPositions {
  saveStream(type: string, stream: string, created: string, partitions: number): void;
  saveCompleteTo(lanes: ReadonlyMap<Lane, number>): void;
  forgetStream(stream: string): number;
}

export interface KnownStreamsOptions {
  readonly records: StreamRecords;
  readonly found: readonly StreamIdentity[];
  readonly lanes: readonly Lane[];
  readonly partitions: number;
  /** Names of streams whose recreation or loss of messages is accepted. */
  readonly accepted: readonly string[];
  /** @param forgottenDeadLetters - of the former stream, which the store no longer speaks of. */
  readonly onAccepted: (stream: StreamIdentity, forgottenDeadLetters: number) => void;
}

/**
 * Holds the streams that are there against those the store has read, and notes them.
 *
 * @throws StreamIdentityError when one is another than it was and that is not accepted; NatsSetupError when one that
 *   is accepted does not exist.
 */
export function rememberStreams(options: KnownStreamsOptions): void {
  const { records, found, lanes, partitions, accepted, onAccepted } = options;
  for (const name of accepted) {
    const stream = found.find((known) => known.name === name);
    if (stream === undefined) throw new NatsSetupError(`--accept-stream ${name}: there is no such event stream`);
    const forgotten = records.forgetStream(name);
    // What is missing before its first message is accepted too.
    const own = lanes.filter((lane) => lane.stream === name);
    records.saveCompleteTo(new Map(own.map((lane) => [lane, stream.firstSequence - 1])));
    onAccepted(stream, forgotten);
  }
  for (const stream of found) refuseOtherStream(records, stream);
  for (const { name, created } of found) {
    const lane = lanes.find(({ stream }) => stream === name);
    if (lane !== undefined) records.saveStream(lane.type.name, name, created, partitions);
  }
}
