import type { Lane } from "../wire/lanes.ts";

/** What the store knows of the streams its checkpoints speak of. */
export interface LaneRecords {
  /** RFC 3339 of the stream's creation, undefined for a store that has never seen it. */
  streamCreated(stream: string): string | undefined;
  /** Into how many partitions the stream was divided when it was read, undefined when it never was. */
  streamPartitions(stream: string): number | undefined;
  saveStream(type: string, stream: string, created: string, partitions: number): void;
  /** Nothing of the lane is unread up to here: its checkpoint, or later when the rest was seen to be empty. */
  completeTo(lane: Lane): number;
  /** None of its messages was missing up to here when the stream was last looked at. */
  intactTo(lane: Lane): number;
  /**
   * Sets the checkpoint back to `intactTo`, to be read again from there: what was applied since is known again, message
   * by message.
   */
  goBack(lane: Lane): void;
  /** Raises both. */
  saveCompleteTo(lanes: ReadonlyMap<Lane, number>): void;
  /** The highest checkpoint of the stream, 0 when none. */
  highestCheckpoint(stream: string): number;
  /**
   * Forgets where the stream was read to, so that it is read from its first message. Actors stay as they are, and what
   * is due stays due.
   *
   * @param division - how the stream is divided now.
   * @param found - what the stream has now; absent: nothing that it had before.
   * @returns how many published dead letters of the former stream were forgotten with it.
   */
  forgetStream(stream: string, division: Division, found?: Found): number;
}

/** What a stream has that is to be read again: of what was read of it, this is heard once more. */
export interface Found {
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** What was stored before, ms since the epoch, was another stream's. */
  readonly beginsAtMs: number;
  /** All it has was in the former one. */
  readonly isRestored: boolean;
}

/** How a stream is divided into partitions. */
export interface Division {
  readonly partitions: number;
  /** The partition of an actor's id. */
  readonly partitionOf: (actorId: string) => number;
}
