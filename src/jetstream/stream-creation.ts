import { JetStreamApiError } from "@nats-io/jetstream";
import { NatsAwayError } from "./connect.ts";
import type { TopologyOptions, WantedStream } from "./stream-configs.ts";

/** Of the JetStream API (`err_code`). */
const NO_PEERS = 10_005;
const NO_CLUSTER = 10_074;
const NEEDS_MAX_BYTES = 10_113;
/** The account's or the server's storage, the account's limit of one stream. */
const NO_ROOM = [10_002, 10_023, 10_028, 10_047, 10_122];

/**
 * Why the server does not create a stream, and what to do: one line, the same for all streams it is true of.
 *
 * @returns undefined when the error is not the server's word on the stream.
 * @throws NatsAwayError when there are not enough servers for the replicas now.
 */
export function creationProblem(error: unknown, wanted: WantedStream, options: TopologyOptions): string | undefined {
  if (!(error instanceof JetStreamApiError) || error.status === 503) return undefined;
  const { replicas, maxBytes } = options;
  const { code, message } = error;
  if (code === NO_PEERS) {
    const what = `NATSTATE_REPLICAS is ${replicas}, and NATS has not enough servers for that now (${message})`;
    throw new NatsAwayError("no_jetstream", what, "Are all servers of the cluster up?", { cause: error });
  }
  if (code === NO_CLUSTER) {
    return `NATSTATE_REPLICAS is ${replicas}, and this nats-server is alone: set it to 1, or use a cluster of at least ${Math.max(3, replicas)} servers.`;
  }
  if (code === NEEDS_MAX_BYTES) {
    return "this NATS account requires a limit for each stream: set NATSTATE_MAX_BYTES, the bytes that one may hold, such as 10737418240.";
  }
  if (NO_ROOM.includes(code)) {
    const limit =
      maxBytes === undefined ? "" : `NATSTATE_MAX_BYTES is ${maxBytes} for each stream and replica: lower it, or `;
    return `NATS has no room for the streams (${message}): ${limit}raise the limits of the account or the server.`;
  }
  return `stream ${wanted.name} cannot be created: ${message} (error ${code} of the JetStream API).`;
}
