import { headers, type Msg, type MsgHdrs } from "@nats-io/transport-node";
import type { Pieces } from "../flow/pieces.ts";

/**
 * On a question that is asked again until it is answered: the same each time, so that who has it already does not answer
 * it twice. Its asker takes an answer that is larger than one NATS message in pieces.
 */
export const QUESTION_ID = "Natstate-Question-Id";
/** On each message of such an answer: `<answer> <index> <count> <bytes of all>`; they come in their order. */
const PIECE = "Natstate-Piece";

/** Of a message, for the headers. */
const HEADERS_BYTES = 1024;

/** Cuts an answer to what NATS carries, a piece at a turn. */
export function* sendInPieces(
  body: Uint8Array,
  answer: string,
  maxBytes: number,
  send: (bytes: Uint8Array, headers: MsgHdrs) => void,
): Pieces<void> {
  const size = Math.max(maxBytes - HEADERS_BYTES, 1);
  const count = Math.ceil(body.length / size);
  for (let index = 0; index < count; index++) {
    const told = headers();
    told.set(PIECE, `${answer} ${index} ${count} ${body.length}`);
    send(body.subarray(index * size, (index + 1) * size), told);
    yield;
  }
}

/** Bounds what all assemblies of an asker keep. */
export interface AssemblyRoom {
  bytes: number;
}

export const MAX_ASSEMBLED_BYTES = 67_108_864;

/** Puts answers together that come in pieces, of several daemons at once. */
export function createAssembly(room: AssemblyRoom) {
  const begun = new Map<string, { readonly bytes: number; readonly pieces: Uint8Array[] }>();
  return {
    /** @returns the whole answer with its last piece; null when there is no room for it; undefined before. */
    take({ headers: told, data }: Msg): Uint8Array | null | undefined {
      const [answer = "", ...numbers] = (told?.get(PIECE) ?? "").split(" ", 4);
      const [index = 0, count = 1, bytes = 0] = numbers.map(Number);
      if (answer === "") return data;
      let one = begun.get(answer);
      if (one === undefined) {
        // Of an answer that began before it was listened to nothing is of use.
        if (index !== 0) return undefined;
        if (room.bytes + bytes > MAX_ASSEMBLED_BYTES) return null;
        room.bytes += bytes;
        one = { bytes, pieces: [] };
        begun.set(answer, one);
      }
      if (index !== one.pieces.length) return undefined;
      one.pieces.push(data);
      if (one.pieces.length < count) return undefined;
      begun.delete(answer);
      room.bytes -= one.bytes;
      return Buffer.concat(one.pieces);
    },
    /** What is incomplete is given up. */
    close(): void {
      for (const { bytes } of begun.values()) room.bytes -= bytes;
      begun.clear();
    },
  };
}
