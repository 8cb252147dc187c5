import {
  DeliverPolicy,
  JetStreamApiCodes,
  type JetStreamClient,
  type JetStreamManager,
  type StoredMsg,
} from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { apiErrorCode } from "./connect.ts";
import { DEAD_LETTERS_STREAM, deadLetterSubject, publishedSubject } from "./names.ts";

/** One message of DEAD_LETTERS, without its body. */
export interface DeadLetterHead {
  /** In DEAD_LETTERS. */
  readonly sequence: number;
  readonly reason: string;
  readonly error: string;
  /** Where its publisher had sent it. */
  readonly subject: string;
  /** Where it had been stored. */
  readonly stream: string;
  /** In `stream`. */
  readonly streamSequence: number;
  /** The dead letter it was sent again from, null when it came from its publisher. */
  readonly redrivenFrom: number | null;
  /** When it was dead-lettered, RFC 3339 in UTC. */
  readonly deadAt: string;
  /** Of the body. */
  readonly bytes: number;
}

/** A dead letter with what its publisher had sent. */
export interface DeadLetterMessage extends DeadLetterHead {
  /** The publisher's headers, name and value. */
  readonly headers: ReadonlyArray<readonly [string, string]>;
  readonly body: Uint8Array;
}

/** Which dead letters; absent fields do not restrict. */
export interface DeadLetterSelection {
  /** Of one type, for example `orders`. */
  readonly collection?: string;
  readonly reason?: string;
}

/** What became of one dead letter that was sent again. */
export type Redriven =
  | { readonly outcome: "redriven"; readonly streamSequence: number }
  /** The stream's dedupe window still knows its `Nats-Msg-Id`: it was not stored. */
  | { readonly outcome: "duplicate"; readonly error: string }
  | { readonly outcome: "failed"; readonly error: string };

/** The stream DEAD_LETTERS: a log, from which nothing is ever removed by hand. */
export interface DeadLetters {
  /** The latest `limit`, newest first. */
  latest(selection: DeadLetterSelection, limit: number): Promise<DeadLetterHead[]>;
  /** @returns undefined when the stream holds no such message. */
  find(sequence: number): Promise<DeadLetterMessage | undefined>;
  /** All of them, oldest first, up to the one that is the last when the call is made. */
  each(selection: DeadLetterSelection): AsyncGenerator<DeadLetterMessage>;
  /**
   * Publishes a dead letter's original bytes and headers to the subject they had been sent to. Safe to repeat: the same
   * event twice has one effect.
   *
   * @param body - sent in place of the original one.
   */
  redrive(letter: DeadLetterMessage, body?: Uint8Array): Promise<Redriven>;
}

/** Not the publisher's, but ours or the server's. `Natstate-Correlation-Id` is the publisher's. */
const NOT_ORIGINAL = [
  "Natstate-Reason",
  "Natstate-Error",
  "Natstate-Subject",
  "Natstate-Stream",
  "Natstate-Sequence",
  "Natstate-Redriven-From",
  "Natstate-Original-Nats-Pin-Id",
];
/** Put before the names of the publisher's `Nats-` headers, which would mean something to DEAD_LETTERS. */
const ORIGINAL = "Natstate-Original-";
const FIRST_WINDOW = 1000;
const TIMEOUT_MS = 5000;

/** Reads and redrives what is in DEAD_LETTERS. Changes nothing there. */
export function openDeadLetters(js: JetStreamClient, jsm: JetStreamManager): DeadLetters {
  return {
    async latest(selection, limit) {
      const { first_seq, last_seq } = await bounds();
      let found: DeadLetterHead[] = [];
      // A stream is read forwards only: look at ever larger pieces, from the end.
      let to = last_seq;
      for (let size = FIRST_WINDOW; found.length < limit && to >= first_seq; size *= 4) {
        const from = Math.max(first_seq, to - size + 1);
        const piece: DeadLetterHead[] = [];
        for await (const { body, headers, ...head } of read(selection, from, to, true)) {
          piece.push(head);
          if (piece.length > limit) piece.shift();
        }
        found = [...piece, ...found];
        to = from - 1;
      }
      return found.slice(-limit).reverse();
    },
    async find(sequence) {
      try {
        const message = await jsm.streams.getMessage(DEAD_LETTERS_STREAM, { seq: sequence });
        return message === null
          ? undefined
          : toLetter(message.seq, message.header, message.data, message.time.getTime());
      } catch (error) {
        if (apiErrorCode(error) === JetStreamApiCodes.NoMessageFound) return undefined;
        throw error;
      }
    },
    async *each(selection) {
      const { first_seq, last_seq } = await bounds();
      yield* read(selection, first_seq, last_seq, false);
    },
    async redrive(letter, body = letter.body) {
      if (letter.stream === "")
        return { outcome: "failed", error: "it has no Natstate- headers: natstate did not write it" };
      try {
        const ack = await js.publish(letter.subject, body, {
          headers: headersOf(letter),
          expect: { streamName: letter.stream },
          timeout: TIMEOUT_MS,
        });
        if (!ack.duplicate) return { outcome: "redriven", streamSequence: ack.seq };
        const error = `${letter.stream} remembers its Nats-Msg-Id from ${ack.seq}, try again when its duplicate window is over`;
        return { outcome: "duplicate", error };
      } catch (error) {
        return { outcome: "failed", error: (error as Error).message };
      }
    },
  };

  async function bounds(): Promise<StreamState> {
    return (await jsm.streams.info(DEAD_LETTERS_STREAM)).state;
  }

  /** The selected messages from one sequence to another, in order. */
  async function* read(
    { collection = "*", reason = "*" }: DeadLetterSelection,
    from: number,
    to: number,
    headersOnly: boolean,
  ): AsyncGenerator<DeadLetterMessage> {
    if (to < from) return;
    const consumer = await js.consumers.get(DEAD_LETTERS_STREAM, {
      filter_subjects: deadLetterSubject({ collection }, reason),
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: from,
      headers_only: headersOnly,
    });
    try {
      if ((await consumer.info()).num_pending === 0) return;
      const messages = await consumer.consume({ max_messages: 500, expires: 5000, idle_heartbeat: 1000 });
      try {
        for await (const { info, headers: header, data } of messages) {
          if (info.streamSequence > to) return;
          yield toLetter(info.streamSequence, header, data, info.timestampNanos / 1_000_000);
          if (info.pending === 0) return;
        }
      } finally {
        await messages.close();
      }
    } finally {
      await consumer.delete().catch(() => {});
    }
  }
}

type StreamState = { readonly first_seq: number; readonly last_seq: number };

function toLetter(
  sequence: number,
  header: MsgHdrs | StoredMsg["header"] | undefined,
  body: Uint8Array,
  storedAtMs: number,
): DeadLetterMessage {
  const value = (name: string) => header?.get(name) ?? "";
  return {
    sequence,
    reason: value("Natstate-Reason"),
    error: value("Natstate-Error"),
    subject: publishedSubject(value("Natstate-Subject")),
    stream: value("Natstate-Stream"),
    streamSequence: Number(value("Natstate-Sequence")),
    redrivenFrom: Number(value("Natstate-Redriven-From")) || null,
    deadAt: new Date(storedAtMs).toISOString(),
    // A consumer that leaves the bodies away says how long they were.
    bytes: Number(value("Nats-Msg-Size") || body.length),
    headers: [...originalHeaders(header)],
    body,
  };
}

function* originalHeaders(header: MsgHdrs | undefined): Generator<readonly [string, string]> {
  for (const [name, values] of header ?? []) {
    if (name.startsWith("Nats-") || NOT_ORIGINAL.includes(name)) continue;
    const original = name.startsWith(ORIGINAL) ? name.slice(ORIGINAL.length) : name;
    for (const value of values) yield [original, value];
  }
}

function headersOf(letter: DeadLetterMessage): MsgHdrs {
  const header = headers();
  for (const [name, value] of letter.headers) {
    // Of the headers that instruct the server only the id is the event's: an expected sequence has passed since.
    if (name === "Nats-Msg-Id" || !name.startsWith("Nats-")) header.append(name, value);
  }
  header.set("Natstate-Redriven-From", String(letter.sequence));
  return header;
}
