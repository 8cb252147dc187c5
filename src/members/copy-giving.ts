import { createHash, randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Msg } from "@nats-io/transport-node";
import { SYSTEM_CLOCK, waitFor } from "../flow/clock.ts";
import { inTurns, type Pieces } from "../flow/pieces.ts";
import type { LaneCopies, LaneCopy } from "../store/lane-copy.ts";
import type { Lane } from "../wire/lanes.ts";
import {
  type CopyAnswer,
  type CopyQuestion,
  type CopyRefusal,
  encodeAnswer,
  encodeRow,
  readCopyQuestion,
} from "./copy-wire.ts";

export interface CopyGivingOptions {
  readonly copies: LaneCopies;
  readonly lanes: readonly Lane[];
  /** What NATS carries. */
  readonly maxPayload: () => number;
  /** A copy could not be read. */
  readonly onTrouble: (error: Error) => void;
}

/** With the line before it well below half a megabyte, NATS' usual limit is one. */
const PIECE_BYTES = 262_144;
const LINE_BYTES = 4096;
/** At a time; each keeps a piece in memory, and a connection. */
const MAX_COPIES = 4;
/** Who has not asked for the next piece by then is gone. */
const SILENCE_MS = 10_000;
/** For so long at most the write-ahead log cannot begin anew: at the rate below that is a lane of 4 GiB. */
const MAX_MS = 120_000;
/** Of all copies together: events and answers come first. */
const BYTES_PER_SECOND = 33_554_432;

/** A copy on its way to one asker. */
type Giving = ReturnType<typeof openGiving>;

/** Gives copies of lanes to daemons that ask for them. */
export function createCopyGiving(options: CopyGivingOptions) {
  const { copies, lanes, maxPayload, onTrouble } = options;
  const givings = new Map<string, Giving>();
  let open = 0;
  const pace = createPace();

  async function answer(question: CopyQuestion): Promise<Buffer> {
    const { stream, partition, copy, piece } = question;
    const lane = lanes.find((each) => each.stream === stream && each.partition === partition);
    if (lane === undefined) return refuse("nothing", `there is no partition ${partition} of ${stream} here`);
    if (piece === 0) return tellStand(copies, lane);
    if (copy !== null) return givings.get(copy)?.piece(piece) ?? refuse("over", "this copy has ended");
    if (open >= MAX_COPIES) return refuse("busy", `${open} copies are being given`);
    const id = randomUUID();
    const giving = begin(id, lane);
    if (giving === undefined) return refuse("nothing", `nothing of partition ${partition} of ${stream} was read here`);
    givings.set(id, giving);
    return giving.piece(piece);
  }

  function begin(id: string, lane: Lane): Giving | undefined {
    const cutter = createCutter(id, Math.min(PIECE_BYTES, maxPayload() - LINE_BYTES));
    const copy = copies.open(lane, (row) => cutter.add(encodeRow(row)));
    if (copy === undefined) return undefined;
    open++;
    const pieces = cutter.cut(copy);
    return openGiving(pieces, pace, (how) => {
      if (how === "ended") return void givings.delete(id);
      open--;
      copy.close();
    });
  }

  return {
    /** Answers `natstate.daemons.<id>.copy`. */
    take(message: Pick<Msg, "data" | "respond">): void {
      const question = readCopyQuestion(message.data);
      if (question === undefined) return void message.respond(refuse("failed", "this is no question for a copy"));
      answer(question).then(
        (body) => message.respond(body),
        (error: Error) => {
          const giving = givings.get(question.copy ?? "");
          // One that has been ended meanwhile has lost its store.
          if (question.copy === null || giving !== undefined) onTrouble(error);
          giving?.end();
          message.respond(refuse("failed", "it could not be read; the log there says why"));
        },
      );
    },
    /** Copies that are being given. */
    given: () => open,
    /** Ends all of them. Safe to call twice. */
    stop(): void {
      for (const giving of [...givings.values()]) giving.end();
    },
  };
}

/**
 * @param pieces - reads the next one.
 * @param tell - told once each: that the store is not needed any more, and then that it is over.
 */
function openGiving(
  pieces: () => Pieces<Cut>,
  pace: (bytes: number) => Promise<void>,
  tell: (how: "read" | "ended") => void,
) {
  let isRead = false;
  let last: { readonly number: number; readonly body: Promise<Buffer> } = {
    number: 0,
    body: Promise.resolve(Buffer.of()),
  };
  let cancelSilence = SYSTEM_CLOCK.after(SILENCE_MS, end);
  const cancelEnd = SYSTEM_CLOCK.after(MAX_MS, end);

  function close(): void {
    if (isRead) return;
    isRead = true;
    tell("read");
  }

  function end(): void {
    cancelSilence();
    cancelEnd();
    close();
    tell("ended");
  }

  async function next(): Promise<Buffer> {
    if (isRead) return refuse("over", "this copy has ended");
    const { body, isLast } = await inTurns(pieces());
    // The last piece may have to be given once more; the store is not needed for that.
    if (isLast) close();
    await pace(body.length);
    return body;
  }

  return {
    /** The piece of this number, if it is the next one or the last again. */
    async piece(number: number): Promise<Buffer> {
      cancelSilence();
      cancelSilence = SYSTEM_CLOCK.after(SILENCE_MS, end);
      if (number === last.number + 1) last = { number, body: next() };
      if (number !== last.number) return refuse("over", `piece ${number} does not come after piece ${last.number}`);
      return last.body;
    },
    end,
  };
}

function refuse(refused: CopyRefusal["refused"], message: string): Buffer {
  return encodeAnswer({ refused, message });
}

function tellStand(copies: LaneCopies, lane: Lane): Buffer {
  const copy = copies.open(lane, () => {});
  if (copy === undefined) return refuse("nothing", "nothing of it was read here");
  const { origin, stand } = copy;
  copy.close();
  return encodeAnswer({ copy: null, origin, stand, piece: 0, rows: 0, checksum: 0, end: null });
}

interface Cut {
  readonly body: Buffer;
  readonly isLast: boolean;
}

/** Cuts rows into pieces; of what was given nothing is kept. */
function createCutter(copy: string, bytes: number) {
  const digest = createHash("sha256");
  let [waiting, waitingBytes, rows]: [Buffer[], number, number] = [[], 0, 0];
  const total = { rows: 0, bytes: 0 };
  let number = 0;

  function take(): Buffer {
    const all = Buffer.concat(waiting, waitingBytes);
    const piece = all.subarray(0, bytes);
    const rest = all.subarray(bytes);
    [waiting, waitingBytes] = [rest.length === 0 ? [] : [rest], rest.length];
    return piece;
  }

  return {
    add(row: Buffer): void {
      waiting.push(row);
      waitingBytes += row.length;
    },
    /** @returns gives one piece each time; not called again before that has ended. */
    cut({ origin, stand, rows: read }: LaneCopy): () => Pieces<Cut> {
      const reading = read();
      let isRead = false;
      return function* next() {
        while (!isRead && waitingBytes < bytes) {
          isRead = reading.next().done === true;
          yield;
        }
        const piece = take();
        rows = countLines(piece);
        digest.update(piece);
        total.rows += rows;
        total.bytes += piece.length;
        const isLast = isRead && waitingBytes === 0;
        const end = isLast ? { ...total, digest: digest.digest("hex") } : null;
        const answer: CopyAnswer = { copy, origin, stand, piece: ++number, rows, checksum: crc32(piece), end };
        return { body: encodeAnswer(answer, piece), isLast };
      };
    },
  };
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

/** @returns waits until so many bytes more keep within the rate. */
function createPace(): (bytes: number) => Promise<void> {
  let freeMs = 0;
  return async (bytes) => {
    const nowMs = SYSTEM_CLOCK.now();
    const waitMs = freeMs - nowMs;
    freeMs = Math.max(freeMs, nowMs) + (bytes / BYTES_PER_SECOND) * 1000;
    if (waitMs > 1) await waitFor(SYSTEM_CLOCK, waitMs);
  };
}
