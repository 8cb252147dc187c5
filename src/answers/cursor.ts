/*
 * Where a page ended: the sort columns of its last row. Opaque to whoever asks, so that the order can change; the name
 * of the order is inside, so that a cursor of one list is not taken for a place in another.
 */

/** The orders in which lists are given, with the number of columns each sorts by: whole numbers, or an id. */
const ORDERS = { seen: 1, updated: 2, id: "id", dead: 1 } as const;

export type CursorOrder = keyof typeof ORDERS;

/** @param place - the sort columns. */
export function encodeCursor(order: CursorOrder, place: readonly (number | string)[]): string {
  return Buffer.from([order, ...place].join(":")).toString("base64url");
}

/** @returns the sort columns, or null when `text` is not a cursor of this order. */
export function decodeCursor(order: CursorOrder, text: string): readonly (number | string)[] | null {
  const [name, ...columns] = Buffer.from(text, "base64url").toString("latin1").split(":");
  const place = ORDERS[order] === "id" ? [columns.join(":")] : columns.map(Number);
  if (name !== order || encodeCursor(order, place) !== text) return null;
  if (ORDERS[order] === "id") return place[0] === "" ? null : place;
  return place.length === ORDERS[order] && place.every(Number.isSafeInteger) ? place : null;
}
