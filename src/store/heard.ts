import { crc32 } from "node:zlib";
import type { EventName } from "../flow/rows.ts";

/*
 * What an actor's row keeps of its events, in the order in which they were heard: 13 bytes each, the hash of its type, that
 * of its id, and the number of its row. A byte before the first one says that earlier ones are in a table of their own.
 *
 * Of fixed length: it is looked through as it is, never parsed, and a further one is put behind it. Row numbers coded as
 * differences would save 3 of 13 bytes.
 */

const ENTRY_BYTES = 13;
const ID_AT = 4;
const PLACE_AT = 8;
const PLACE_BYTES = 5;

/** Two events of one actor may have the same: their rows tell them apart. */
export interface EventHash {
  readonly type: number;
  readonly id: number;
}

export function hashOf({ type, eventId }: EventName): EventHash {
  return { type: hashOfType(type), id: crc32(eventId) };
}

const TYPES = new Map<string, number>();

/** Two types of one actor do not have the same, see `check-actor-types.ts`. */
export function hashOfType(type: string): number {
  const known = TYPES.get(type);
  if (known !== undefined) return known;
  const hash = crc32(type);
  // Types come from contracts, and of those there are few.
  if (TYPES.size < 10_000) TYPES.set(type, hash);
  return hash;
}

/** Are earlier ones in a table? */
export function hasEarlier(heard: Uint8Array): boolean {
  return heard.length % ENTRY_BYTES === 1;
}

/** How many events, without those in the table. */
export function countIn(heard: Uint8Array): number {
  return Math.floor(heard.length / ENTRY_BYTES);
}

/** Row numbers of the events, by rising number. */
export function placesIn(heard: Uint8Array): number[] {
  const { view, first } = open(heard);
  const places: number[] = [];
  for (let at = first; at < heard.length; at += ENTRY_BYTES) places.push(placeAt(view, at));
  return places;
}

/** Row numbers of all events with this hash, the latest first. */
export function findIn(heard: Uint8Array, { type, id }: EventHash): number[] {
  const { view, first } = open(heard);
  const found: number[] = [];
  for (let at = heard.length - ENTRY_BYTES; at >= first; at -= ENTRY_BYTES) {
    if (view.readUInt32BE(at + ID_AT) === id && view.readUInt32BE(at) === type) found.push(placeAt(view, at));
  }
  return found;
}

/** Row numbers of all events with this id, whatever their type. */
export function findIdIn(heard: Uint8Array, eventId: string): number[] {
  const { view, first } = open(heard);
  const id = crc32(eventId);
  const found: number[] = [];
  for (let at = first; at < heard.length; at += ENTRY_BYTES) {
    if (view.readUInt32BE(at + ID_AT) === id) found.push(placeAt(view, at));
  }
  return found;
}

/** Is one of this type among them? @param type - its hash. */
export function hasTypeIn(heard: Uint8Array, type: number): boolean {
  const { view, first } = open(heard);
  for (let at = first; at < heard.length; at += ENTRY_BYTES) if (view.readUInt32BE(at) === type) return true;
  return false;
}

/** The same, and one more heard after all of them. */
export function withOne(heard: Uint8Array, { type, id }: EventHash, place: number): Uint8Array {
  const longer = Buffer.allocUnsafeSlow(heard.length + ENTRY_BYTES);
  longer.set(heard);
  longer.writeUInt32BE(type, heard.length);
  longer.writeUInt32BE(id, heard.length + ID_AT);
  longer.writeUIntBE(place, heard.length + PLACE_AT, PLACE_BYTES);
  return longer;
}

/** The same without the one that has this row. */
export function withoutOne(heard: Uint8Array, place: number): Uint8Array {
  const { view, first } = open(heard);
  for (let at = first; at < heard.length; at += ENTRY_BYTES) {
    if (placeAt(view, at) === place) return Buffer.concat([heard.subarray(0, at), heard.subarray(at + ENTRY_BYTES)]);
  }
  return heard;
}

/** The same, where each row has a number that is higher by so much. */
export function movedBy(heard: Uint8Array, by: number): Uint8Array {
  const moved = Buffer.from(heard);
  const first = heard.length % ENTRY_BYTES;
  for (let at = first; at < moved.length; at += ENTRY_BYTES) {
    moved.writeUIntBE(placeAt(moved, at) + by, at + PLACE_AT, PLACE_BYTES);
  }
  return moved;
}

/** An event as the table keeps it. */
export interface EarlierEvent extends EventHash {
  readonly place: number;
}

/** Parts all but the latest ones from the others, which are to be put into the table. */
export function split(
  heard: Uint8Array,
  kept: number,
): { readonly earlier: EarlierEvent[]; readonly rest: Uint8Array } {
  const { view, first } = open(heard);
  const end = Math.max(first, heard.length - kept * ENTRY_BYTES);
  const earlier: EarlierEvent[] = [];
  for (let at = first; at < end; at += ENTRY_BYTES) {
    earlier.push({ type: view.readUInt32BE(at), id: view.readUInt32BE(at + ID_AT), place: placeAt(view, at) });
  }
  return { earlier, rest: Buffer.concat([Uint8Array.of(1), heard.subarray(end)]) };
}

function open(heard: Uint8Array): { readonly view: Buffer; readonly first: number } {
  const view = Buffer.isBuffer(heard) ? heard : Buffer.from(heard.buffer, heard.byteOffset, heard.length);
  return { view, first: heard.length % ENTRY_BYTES };
}

function placeAt(view: Buffer, at: number): number {
  return view.readUIntBE(at + PLACE_AT, PLACE_BYTES);
}
