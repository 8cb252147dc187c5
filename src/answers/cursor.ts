/*
 * Where a page ended: the sort columns of its last row, so that any daemon can go on from there, with any store. Opaque to
 * whoever asks, so that the order can change; the name of the order is inside, so that a cursor of one list is not taken
 * for a place in another.
 */

/** A row's sort columns. */
export type Place = readonly (number | string)[];

const isWhole = (column: unknown) => Number.isSafeInteger(column);
const isId = (column: unknown) => typeof column === "string" && /^[A-Za-z0-9_:-]+$/.test(column);
const isTime = (column: unknown) => typeof column === "string" && /^[\d:.TZ-]{24,30}$/.test(column);

/** The orders in which lists are given: what each sorts by, and where it begins. */
const ORDERS = {
  seen: { columns: [isWhole, isId], begins: "last" },
  id: { columns: [isId], begins: "first" },
  due: { columns: [isTime, isId], begins: "first" },
  dead: { columns: [isWhole], begins: "last" },
} as const satisfies Record<string, { readonly columns: readonly ((column: unknown) => boolean)[]; begins: string }>;

export type CursorOrder = keyof typeof ORDERS;

export function encodeCursor(order: CursorOrder, place: Place): string {
  return Buffer.from(JSON.stringify([order, ...place])).toString("base64url");
}

/** @returns the sort columns, or null when `text` is not a cursor of this order. */
export function decodeCursor(order: CursorOrder, text: string): Place | null {
  const [name, ...place] = readList(Buffer.from(text, "base64url").toString("latin1"));
  const { columns } = ORDERS[order];
  const isPlace = place.length === columns.length && columns.every((isColumn, index) => isColumn(place[index]));
  if (name !== order || !isPlace || encodeCursor(order, place as Place) !== text) return null;
  return place as Place;
}

function readList(json: string): unknown[] {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

/** Below 0: `a` comes first in a list of this order. Texts are ASCII, and compared as SQLite does. */
export function comparePlaces(order: CursorOrder, a: Place, b: Place): number {
  const direction = ORDERS[order].begins === "first" ? 1 : -1;
  for (const [index, column] of a.entries()) {
    const other = b[index] as typeof column;
    if (column !== other) return column < other ? -direction : direction;
  }
  return 0;
}
