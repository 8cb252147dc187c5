import type { JetStreamManager, StreamState } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import { SYSTEM_CLOCK } from "../flow/clock.ts";
import type { StoredMessage } from "../flow/delivery.ts";
import { isStreamMissing, NatsSetupError } from "./connect.ts";
import { nextMessage } from "./leader-reader.ts";
import type { Session } from "./session.ts";
import { fromDirect } from "./stored-message.ts";

/** What to read: from a sequence or a moment on, and of which subjects. */
export type DirectRequest = (FromSequence | { readonly start_time: string }) & Wanted;

interface FromSequence {
  readonly seq: number;
}

interface Wanted {
  /** May have wildcards; all subjects when absent. */
  readonly next_by_subj?: string;
  /** Messages at most. */
  readonly batch: number;
}

/** The stream is not there, or does not allow to be read directly. */
export class NotReadableError extends Error {
  override readonly name = "NotReadableError";
}

const MAX_BYTES = 4_194_304;
const TIMEOUT_MS = 5000;

/**
 * Reads messages out of a stream, in order, without a consumer: who may only do this can create nothing in NATS. With
 * replicas an answer may come from one that is a moment behind.
 *
 * The client's own `direct.getBatch` leaves a subscription behind at every call (3.4.0).
 *
 * Source: nats-architecture-and-design, ADR-31.
 *
 * @returns at most `batch` messages and about 4 MiB; none when there is nothing (yet).
 * @throws NotReadableError when nobody answers for the stream; Error after 5 s without an answer, or what a permission
 *   or the connection has in the way.
 */
export function readDirect(
  { nc, newInbox }: Pick<Session, "nc" | "newInbox">,
  stream: string,
  request: DirectRequest,
  clock = SYSTEM_CLOCK,
): Promise<StoredMessage[]> {
  return new Promise((resolve, reject) => {
    const found: StoredMessage[] = [];
    const inbox = newInbox();
    const cancel = clock.after(TIMEOUT_MS, () =>
      end(new Error(`stream ${stream}: no answer within ${TIMEOUT_MS / 1000} s`)),
    );
    const subscription = nc.subscribe(inbox, { callback: (error, message) => (error ? end(error) : take(message)) });
    // Not the connection's own end: it would keep what was read for as long as it lasts.
    void subscription.closed.then(() => end(new Error("the connection to NATS was closed")));
    nc.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ ...request, max_bytes: MAX_BYTES }), { reply: inbox });

    function take(message: Msg): void {
      const code = message.headers?.code ?? 0;
      // A publisher may have put a code there; only what is stored has a sequence.
      if (message.headers?.has("Nats-Sequence")) found.push(fromDirect(message));
      else if (code === 503) end(new NotReadableError(`stream ${stream} is not there, or cannot be read directly`));
      // 204 is the end of the batch; 404 and 413: there is nothing.
      else if (code === 204 || code === 404) end();
      else end(new Error(`stream ${stream}: ${message.headers?.description}`));
    }

    function end(error?: Error): void {
      cancel();
      if (!subscription.isClosed()) subscription.unsubscribe();
      if (error === undefined) resolve(found);
      else reject(error);
    }
  });
}

/**
 * As {@link readDirect}, but nothing means that there is nothing: where there are replicas, the leader is asked.
 *
 * @returns at least one message when the stream's leader has one.
 */
export async function readAssured(
  session: Pick<Session, "nc" | "jsm" | "newInbox">,
  stream: string,
  request: FromSequence & Wanted,
): Promise<StoredMessage[]> {
  const found = await readDirect(session, stream, request);
  if (found.length > 0) return found;
  const { config } = await session.jsm.streams.info(stream);
  if (config.num_replicas === 1) return [];
  const message = await nextMessage(session.jsm, stream, request.next_by_subj ?? ">", request.seq);
  return message === undefined ? [] : [message];
}

/**
 * How far a stream reaches.
 *
 * @throws NatsSetupError when it is not there.
 */
export async function readStreamState(jsm: JetStreamManager, stream: string): Promise<StreamState> {
  try {
    return (await jsm.streams.info(stream)).state;
  } catch (error) {
    if (!isStreamMissing(error)) throw error;
    const message = `there is no stream ${stream} at this NATS: natstate makes it when it is started there for the first time`;
    throw new NatsSetupError(message, { cause: error });
  }
}
