import type { NatsConnection } from "@nats-io/transport-node";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM } from "../wire/names.ts";

/** A stream or a consumer has a leader from now on, perhaps the one it had. */
export interface Election {
  readonly stream: string;
  /** Absent: it is the stream's own. */
  readonly consumer?: string;
  /** The server's name. */
  readonly leader: string;
}

const ELECTED = "$JS.EVENT.ADVISORY";
/** Consumers of these are nothing to us: who may not listen to them has no line about it in the server's log. */
const OUTBOX = [DECISIONS_STREAM, DEAD_LETTERS_STREAM];

/**
 * Tells of elections as the servers of a cluster do. Without that, a reader finds out by two heartbeats that it misses, a
 * second later, and a publisher by asking.
 *
 * A user who may not listen is told nothing: all goes on, later. A server that is alone elects nobody.
 *
 * @returns ends it.
 */
export function watchElections(
  nc: NatsConnection,
  streams: readonly string[],
  onElected: (election: Election) => void,
): () => void {
  if (nc.info?.cluster === undefined) return () => {};
  const subjects = streams.flatMap((stream) => [
    `${ELECTED}.STREAM.LEADER_ELECTED.${stream}`,
    ...(OUTBOX.includes(stream) ? [] : [`${ELECTED}.CONSUMER.LEADER_ELECTED.${stream}.*`]),
  ]);
  const subscriptions = subjects.map((subject) =>
    nc.subscribe(subject, {
      callback(error, message) {
        const election = error === null ? readElection(message.string()) : undefined;
        if (election !== undefined) onElected(election);
      },
    }),
  );
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
}

function readElection(json: string): Election | undefined {
  try {
    const { stream, consumer, leader } = JSON.parse(json) as Record<keyof Election, unknown>;
    if (typeof stream !== "string" || typeof leader !== "string" || leader === "") return undefined;
    return { stream, leader, ...(typeof consumer === "string" && { consumer }) };
  } catch {
    return undefined;
  }
}
