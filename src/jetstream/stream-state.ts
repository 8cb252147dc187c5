import { JetStreamApiCodes, type JetStreamManager, type StreamState } from "@nats-io/jetstream";
import { apiErrorCode, NatsSetupError } from "./connect.ts";

/**
 * How far a stream reaches.
 *
 * @throws NatsSetupError when it is not there.
 */
export async function readStreamState(jsm: JetStreamManager, stream: string): Promise<StreamState> {
  try {
    return (await jsm.streams.info(stream)).state;
  } catch (error) {
    throw explainMissing(error, stream);
  }
}

/** The error itself, or NatsSetupError when it says that the stream is not there. */
export function explainMissing(error: unknown, stream: string): unknown {
  if (apiErrorCode(error) !== JetStreamApiCodes.StreamNotFound) return error;
  const message = `there is no stream ${stream} at this NATS: natstate makes it when it is started there for the first time`;
  return new NatsSetupError(message, { cause: error });
}
