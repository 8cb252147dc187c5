import { crc32 } from "node:zlib";
import { z } from "zod";
import type { CopiedRow, LaneOrigin, LaneStand } from "../store/lane-copy.ts";

/*
 * `natstate.daemons.<id>.copy`: what a daemon's store has of one partition, in pieces. An answer is a line of JSON, then the
 * rows of its piece: a line of JSON each, cut wherever a piece is full.
 */

export const COPY_QUESTION = "copy";

const count = z.int().min(0);

const copyQuestion = z.object({
  stream: z.string().max(256),
  partition: count,
  /** As the first piece said; null: a new copy is begun. */
  copy: z.string().max(64).nullable(),
  /** 1 is the first; 0 asks only where the lane stands. One that was not heard may be asked for again. */
  piece: count,
});

export type CopyQuestion = z.infer<typeof copyQuestion>;

const stand = z.object({
  checkpoint: count,
  intactTo: count,
  decisionsTo: count,
  deadLettersTo: count,
  decidedBy: count,
  heardMs: count.nullable(),
});
const origin = z.object({
  schema: count,
  type: z.string(),
  typeVersion: z.int(),
  stream: z.string(),
  partition: count,
  created: z.object({
    events: z.string().nullable(),
    decisions: z.string().nullable(),
    deadLetters: z.string().nullable(),
  }),
  partitions: count,
});

const copyAnswer = z.union([
  z.object({
    /** `nothing`: it has nothing of the lane. `busy`: it gives as many copies as it may. `over`: this one has ended. */
    refused: z.enum(["nothing", "busy", "over", "failed"]),
    message: z.string().max(1000),
  }),
  z.object({
    copy: z.string().nullable(),
    origin,
    stand,
    piece: count,
    /** Rows that end in this piece. */
    rows: count,
    /** CRC-32 of its bytes. */
    checksum: count,
    /** In the last piece: of the whole copy; SHA-256, hex. */
    end: z.object({ rows: count, bytes: count, digest: z.string().length(64) }).nullable(),
  }),
]);

export type CopyAnswer = z.infer<typeof copyAnswer>;
export type CopyPiece = Exclude<CopyAnswer, { refused: string }>;
export type CopyRefusal = Exclude<CopyAnswer, { copy: string | null }>;
export type CopyEnd = NonNullable<CopyPiece["end"]>;

/** An answer that is none, or not what was said. */
export class CopyError extends Error {
  override readonly name = "CopyError";
}

export class CopyRefusedError extends CopyError {
  readonly refused: CopyRefusal["refused"];

  constructor({ refused, message }: CopyRefusal) {
    super(`${refused}: ${message}`);
    this.refused = refused;
  }
}

/** A line that is longer is no answer's. */
const MAX_LINE_BYTES = 8192;
const NEWLINE = 10;

/** @returns undefined when it is no question. */
export function readCopyQuestion(body: Uint8Array): CopyQuestion | undefined {
  if (body.length > MAX_LINE_BYTES) return undefined;
  try {
    return copyQuestion.safeParse(JSON.parse(Buffer.from(body).toString())).data;
  } catch {
    return undefined;
  }
}

export function encodeAnswer(answer: CopyAnswer, bytes: Uint8Array = new Uint8Array()): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(answer)}\n`), bytes]);
}

/** @throws CopyError */
export function readCopyAnswer(body: Uint8Array): { readonly answer: CopyAnswer; readonly bytes: Buffer } {
  const whole = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const end = whole.subarray(0, MAX_LINE_BYTES).indexOf(NEWLINE);
  if (end < 0) throw new CopyError("the answer is none");
  const bytes = whole.subarray(end + 1);
  const { data } = copyAnswer.safeParse(parse(whole.subarray(0, end)));
  if (data === undefined) throw new CopyError("the answer is not that of a daemon of this version");
  if ("checksum" in data && crc32(bytes) !== data.checksum) {
    throw new CopyError(`piece ${data.piece} was changed on its way`);
  }
  return { answer: data, bytes };
}

/** One line. What is no text is base64. */
export function encodeRow([table, values]: CopiedRow): Buffer {
  const encoded = values.map((value) =>
    value instanceof Uint8Array ? [Buffer.from(value).toString("base64")] : value,
  );
  return Buffer.from(`${JSON.stringify([table, encoded])}\n`);
}

/** What a row is worth the store says. @throws CopyError when it is none. */
export function readRow(line: Uint8Array): CopiedRow {
  const row = parse(line);
  if (!Array.isArray(row) || typeof row[0] !== "string" || !Array.isArray(row[1])) throw new CopyError("a row is none");
  const values = row[1].map((value: unknown) =>
    Array.isArray(value) ? Buffer.from(String(value[0]), "base64") : value,
  );
  return [row[0] as CopiedRow[0], values];
}

function parse(line: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(line).toString());
  } catch (error) {
    throw new CopyError("what should be JSON is none", { cause: error });
  }
}

/** Cuts what arrives in pieces into lines; what is kept has a bound. */
export function createLines(maxBytes: number) {
  let [kept, keptBytes]: [Buffer[], number] = [[], 0];
  return {
    /** @returns the lines that are whole now. @throws CopyError when one is too long. */
    add(bytes: Buffer): Buffer[] {
      const lines: Buffer[] = [];
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
        const part = bytes.subarray(from, end);
        lines.push(kept.length === 0 ? part : Buffer.concat([...kept, part]));
        [kept, keptBytes] = [[], 0];
        from = end + 1;
      }
      if (from === bytes.length) return lines;
      kept.push(bytes.subarray(from));
      keptBytes += bytes.length - from;
      if (keptBytes > maxBytes) throw new CopyError(`a row has more than ${maxBytes} bytes`);
      return lines;
    },
    isWhole: () => kept.length === 0,
  };
}

/** Do both speak of the same moment of the same lane? */
export function isSameMoment(
  a: { readonly origin: LaneOrigin; readonly stand: LaneStand },
  b: { readonly origin: LaneOrigin; readonly stand: LaneStand },
): boolean {
  return JSON.stringify([a.origin, a.stand]) === JSON.stringify([b.origin, b.stand]);
}
