/** What it waits for, or the reason of the signal as soon as there is one: whoever ends does not wait for the silent. */
export function unlessEnded<Result>(ended: AbortSignal, awaited: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = () => reject(ended.reason);
    if (ended.aborted) end();
    ended.addEventListener("abort", end, { once: true });
    awaited.then(resolve, reject).finally(() => ended.removeEventListener("abort", end));
  });
}
