/*
 * Where a page ended: the sort columns of its last row. Opaque to whoever asks, so that the order can change; the name
 * of the order is inside, so that a cursor of one list is not taken for a place in another.
 */

/** The orders in which lists are given, with the number of columns each sorts by. */
const ORDERS = { seen: 1, updated: 2, id: 1, dead: 1 } as const;

export type CursorOrder = keyof typeof ORDERS;

/** @param place - the sort columns, whole numbers. */
export function encodeCursor(order: CursorOrder, place: readonly number[]): string {
  return Buffer.from([order, ...place].join(":")).toString("base64url");
}

/** @returns the sort columns, or null when `text` is not a cursor of this order. */
export function decodeCursor(order: CursorOrder, text: string): readonly number[] | null {
  const [name, ...columns] = Buffer.from(text, "base64url").toString("latin1").split(":");
  const place = columns.map(Number);
  if (name !== order || place.length !== ORDERS[order] || !place.every(Number.isSafeInteger)) return null;
  return encodeCursor(order, place) === text ? place : null;
}
