import { headers, type MsgHdrs } from "@nats-io/transport-node";
import type { RedriveOutcome } from "../answers/dead-letters.ts";
import type { StoredMessage } from "../flow/delivery.ts";
import { DEAD_LETTER_HEADERS, LEFT_OUT } from "../wire/headers.ts";
import { DEAD_LETTERS_STREAM, deadLetterSubject, publishedSubject } from "../wire/names.ts";
import { hasOneName, readReason } from "../wire/rejection.ts";
import { readAssured, readStreamState } from "./direct-reader.ts";
import { permissionError } from "./permission.ts";
import type { Session } from "./session.ts";

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

export type RedrivableLetter = Pick<
  DeadLetterMessage,
  "sequence" | "reason" | "subject" | "stream" | "headers" | "body"
>;

/** What is done about a letter whose event is kept back with its quarantined actor, undefined of all others. */
export function releaseOf({ reason, subject }: Pick<RedrivableLetter, "reason" | "subject">): string | undefined {
  return reason === "machine_error" ? `npx natstate quarantine release ${subject.split(".").at(-2)}` : undefined;
}

/** Which dead letters; absent fields do not restrict. */
export interface DeadLetterSelection {
  /** Of one type, for example `orders`. */
  readonly collection?: string;
  readonly reason?: string;
}

/** The stream DEAD_LETTERS: a log, from which nothing is ever removed by hand. */
export type DeadLetters = ReturnType<typeof openDeadLetters>;

/** Not the publisher's, but ours or the server's. `Natstate-Correlation-Id` is the publisher's. */
const NOT_ORIGINAL = [...DEAD_LETTER_HEADERS, LEFT_OUT, "Natstate-Redriven-From", "Natstate-Original-Nats-Pin-Id"];
/** Put before the names of the publisher's `Nats-` headers, which would mean something to DEAD_LETTERS. */
const ORIGINAL = "Natstate-Original-";
const FIRST_WINDOW = 1000;
const BATCH = 500;
const TIMEOUT_MS = 5000;

/** Reads and redrives what is in DEAD_LETTERS. Changes nothing there. */
export function openDeadLetters(session: Pick<Session, "nc" | "js" | "jsm" | "newInbox">) {
  const { js, jsm } = session;
  return {
    /** The latest `limit`, newest first. */
    async latest(selection: DeadLetterSelection, limit: number): Promise<DeadLetterHead[]> {
      const { first_seq, last_seq } = await readStreamState(jsm, DEAD_LETTERS_STREAM);
      let found: DeadLetterHead[] = [];
      // A stream is read forwards only: look at ever larger pieces, from the end.
      let to = last_seq;
      for (let size = FIRST_WINDOW; found.length < limit && to >= first_seq; size *= 4) {
        const from = Math.max(first_seq, to - size + 1);
        const piece: DeadLetterHead[] = [];
        for await (const { body, headers, ...head } of read(selection, from, to)) {
          piece.push(head);
          if (piece.length > limit) piece.shift();
        }
        found = [...piece, ...found];
        to = from - 1;
      }
      return found.slice(-limit).reverse();
    },
    /** @returns undefined when the stream holds no such message. */
    async find(sequence: number): Promise<DeadLetterMessage | undefined> {
      const { last_seq } = await readStreamState(jsm, DEAD_LETTERS_STREAM);
      if (sequence > last_seq) return undefined;
      const [message] = await readAssured(session, DEAD_LETTERS_STREAM, { seq: sequence, batch: 1 });
      // A sequence that is gone is answered with the next one there is.
      return message?.sequence === sequence ? toLetter(message) : undefined;
    },
    /** All of them, oldest first, up to the one that is the last when the call is made. */
    async *each(selection: DeadLetterSelection): AsyncGenerator<DeadLetterMessage> {
      const { first_seq, last_seq } = await readStreamState(jsm, DEAD_LETTERS_STREAM);
      yield* read(selection, first_seq, last_seq);
    },
    /**
     * Publishes a dead letter's original bytes and headers to the subject they had been sent to. Safe to repeat: the same
     * event twice has one effect. Fails for those that are released instead, see {@link releaseOf}.
     *
     * @param body - sent in place of the original one.
     */
    async redrive(letter: RedrivableLetter, body = letter.body): Promise<RedriveOutcome> {
      if (letter.stream === "") {
        return { outcome: "failed", error: "it has no Natstate- headers: natstate did not write it" };
      }
      const release = releaseOf(letter);
      if (release !== undefined && body === letter.body) {
        const error = `its event is kept back in quarantine, where it would join itself once more; after a fix: ${release}`;
        return { outcome: "failed", error };
      }
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
        return { outcome: "failed", error: explainFailure(error as Error, letter) };
      }
    },
  };

  /** The selected messages from one sequence to another, in order. */
  async function* read(
    { collection = "*", reason = "*" }: DeadLetterSelection,
    from: number,
    to: number,
  ): AsyncGenerator<DeadLetterMessage> {
    // A subject's last token is a reason, and one of them has two names.
    const isOne = reason === "*" || hasOneName(reason);
    const next_by_subj = deadLetterSubject({ collection }, isOne ? reason : "*");
    for (let seq = Math.max(from, 1); seq <= to; ) {
      const messages = await readAssured(session, DEAD_LETTERS_STREAM, { seq, next_by_subj, batch: BATCH });
      if (messages.length === 0) return;
      for (const message of messages) {
        if (message.sequence > to) return;
        seq = message.sequence + 1;
        const letter = toLetter(message);
        if (isOne || letter.reason === reason) yield letter;
      }
    }
  }
}

/** The role of a daemon may not publish events (docs/nats-secure.conf): the console's redrive ends here, then. */
function explainFailure(error: Error, { sequence, subject }: RedrivableLetter): string {
  if (permissionError(error) === undefined) return error.message;
  return `NATS does not let this user publish to ${subject}; as a user who may (the operator): npx natstate dead-letters redrive ${sequence}`;
}

function toLetter({ sequence, header, headers, body, storedAtMs }: StoredMessage): DeadLetterMessage {
  const told = (name: string) => header(`Natstate-${name}`) ?? "";
  return {
    sequence,
    reason: readReason(told("Reason")) ?? told("Reason"),
    error: told("Error"),
    subject: publishedSubject(told("Subject")),
    stream: told("Stream"),
    streamSequence: Number(told("Sequence")),
    redrivenFrom: Number(told("Redriven-From")) || null,
    deadAt: new Date(storedAtMs).toISOString(),
    bytes: body.length,
    headers: [...originalHeaders(headers())],
    body,
  };
}

function* originalHeaders(pairs: DeadLetterMessage["headers"]): Generator<readonly [string, string]> {
  for (const [name, value] of pairs) {
    if (name.startsWith("Nats-") || NOT_ORIGINAL.includes(name)) continue;
    yield [name.startsWith(ORIGINAL) ? name.slice(ORIGINAL.length) : name, value];
  }
}

function headersOf(letter: RedrivableLetter): MsgHdrs {
  const header = headers();
  for (const [name, value] of letter.headers) {
    // Of the headers that instruct the server only the id is the event's: an expected sequence has passed since.
    if (name === "Nats-Msg-Id" || !name.startsWith("Nats-")) header.append(name, value);
  }
  header.set("Natstate-Redriven-From", String(letter.sequence));
  return header;
}
