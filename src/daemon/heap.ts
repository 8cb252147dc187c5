import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Of either half of the young generation. V8 lets it grow to 64 MiB, from which a daemon gains nothing. */
const ENOUGH_BYTES = 4_194_304;

/**
 * Keeps V8's heap small, in a process that is the daemon's alone. The old generation grows by half of what is in use until its
 * garbage is looked for, not to its fourfold. The young one is not doubled any more once a half has 4 MiB; as that is noticed
 * a moment later, it ends at 8 to 32 MiB of 128.
 *
 * `--max-semi-space-size` is read only when Node begins; both of these flags are read whenever the heap is to grow. What
 * somebody has named of it is let be.
 */
export function boundHeap(): void {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ""].join(" ");
  if (!/heap[-_]growing|old[-_]space/.test(options)) setFlagsFromString("--heap-growing-percent=50");
  if (/semi[-_]space/.test(options)) return;
  const hold = () => setFlagsFromString(`--semi-space-growth-factor=${2 * halfBytes() <= ENOUGH_BYTES ? 2 : 1}`);
  hold();
  new PerformanceObserver(hold).observe({ entryTypes: ["gc"] });
}

/** What fits into a half: it has pages for less. */
function halfBytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space");
  return space === undefined ? 0 : space.space_used_size + space.space_available_size;
}
