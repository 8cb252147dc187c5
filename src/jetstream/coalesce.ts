/**
 * Does work for all who ask for it at a time. Who asks while a round is under way waits for the next one, so that each
 * round begins after it was asked for.
 *
 * @param round - for everything asked for, each once. When it rejects, it does for all of them.
 */
export function coalesce<Item>(
  round: (items: readonly Item[]) => Promise<void>,
): (items: readonly Item[]) => Promise<void> {
  let running: Promise<unknown> = Promise.resolve();
  let next: { readonly items: Set<Item>; readonly done: Promise<void> } | undefined;

  function prepare() {
    const items = new Set<Item>();
    const done = running.then(() => {
      next = undefined;
      return round([...items]);
    });
    running = done.catch(() => {});
    return { items, done };
  }

  return (asked) => {
    next ??= prepare();
    for (const item of asked) next.items.add(item);
    return next.done;
  };
}
