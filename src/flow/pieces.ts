/** Work that may be interrupted wherever it yields, whatever it yields. Nothing happens before its first step. */
export type Pieces<Result> = Generator<unknown, Result, void>;

/** Work that is short enough to be one piece. */
export function* inOne<Result>(work: () => Result): Pieces<Result> {
  yield;
  return work();
}

/** Does all of it now, whoever waits. */
export function atOnce<Result>(pieces: Pieces<Result>): Result {
  for (;;) {
    const { done, value } = pieces.next();
    if (done === true) return value;
  }
}

const TURN_MS = 5;

/**
 * Does it bit by bit: whoever else is in the process has a turn after every few milliseconds of it.
 *
 * @param onTurn - told the CPU time of each turn, in ms.
 */
export async function inTurns<Result>(
  pieces: Pieces<Result>,
  onTurn: (ms: number) => void = () => {},
): Promise<Result> {
  for (;;) {
    const before = process.threadCpuUsage();
    const end = advance(pieces, performance.now() + TURN_MS);
    const { user, system } = process.threadCpuUsage(before);
    onTurn((user + system) / 1000);
    if (end !== undefined) return end.value;
    await new Promise(setImmediate);
  }
}

/**
 * Does a part of it, one piece at least.
 *
 * @param endMs - when no further piece is begun, on the clock of `performance.now`.
 * @returns undefined when there is more to do.
 */
export function advance<Result>(pieces: Pieces<Result>, endMs: number): { readonly value: Result } | undefined {
  do {
    const { done, value } = pieces.next();
    if (done === true) return { value };
  } while (performance.now() < endMs);
  return undefined;
}

/** JSON of an object, its lists item by item. */
export function* toJson(value: object): Pieces<string> {
  const fields: string[] = [];
  for (const [name, field] of Object.entries(value)) {
    const json = Array.isArray(field) ? yield* listToJson(field) : JSON.stringify(field);
    if (json !== undefined) fields.push(`${JSON.stringify(name)}:${json}`);
    yield;
  }
  return `{${fields.join()}}`;
}

function* listToJson(list: readonly unknown[]): Pieces<string> {
  const items: string[] = [];
  for (const item of list) {
    items.push(JSON.stringify(item) ?? "null");
    yield;
  }
  return `[${items.join()}]`;
}
