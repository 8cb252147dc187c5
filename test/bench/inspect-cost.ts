import { parseArgs } from "node:util";
import pino from "pino";
import { createActivity } from "../../src/answers/activity.ts";
import { createInspections, type Inspection, type Inspections } from "../../src/answers/inspection.ts";
import type { BatchResult } from "../../src/flow/batch-result.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { tellAll } from "../../src/flow/observer.ts";
import { createMetrics } from "../../src/ops/metrics.ts";
import { createPathLog } from "../../src/ops/path-log.ts";
import { deliver, orderLane } from "../flow/delivery.ts";
import { openStation } from "../flow/station.ts";
import { cpuMicroseconds } from "./cpu.ts";
import { EVENTS_PER_ORDER, plainOrders } from "./workload.ts";

const HELP = `npm run bench:inspect -- [options]

What inspection costs a daemon: batches go through processor and SQLite and then to whoever is told of them, as in
the daemon but without NATS, in turn without inspection, with it while nobody inspects, and with one inspector.

  --batches N   batches of each kind (default 60)
  --orders N    orders of ${EVENTS_PER_ORDER} events in a batch (default 200)`;

const KINDS = ["without inspection", "nobody inspects", "one inspector"] as const;
type Kind = (typeof KINDS)[number];

/** Batches before anything is counted: code is compiled, pages are allocated. */
const WARM_UP = 10;
const CALLS = 2_000_000;

const { values } = parseArgs({
  options: {
    batches: { type: "string", default: "60" },
    orders: { type: "string", default: "200" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else measure(Number(values.batches), Number(values.orders));

function measure(batches: number, orders: number): void {
  using station = openStation();
  const { type } = orderLane;
  const metrics = createMetrics({ types: [type] });
  const activity = createActivity([type]);
  const logger = pino({ level: "warn" });
  const inspections = createInspections({
    journal: station.journal,
    laneOf: () => orderLane,
    owns: () => true,
    onError(error) {
      throw error;
    },
  });
  const observer = tellAll([metrics, activity, createPathLog(logger, { decisionLevel: "debug" })]);
  const spent = new Map<Kind, number[]>(KINDS.map((kind) => [kind, []]));
  let sequence = 0;
  let last: BatchResult | undefined;
  let characters = 0;

  for (let round = 0; round < batches + WARM_UP; round++) {
    // Each kind is first, second and third equally often, so that what changes with time hits all alike.
    const kinds = KINDS.map((_, index) => KINDS[(index + round) % KINDS.length] as Kind);
    for (const kind of kinds) {
      const { deliveries, firstId } = nextBatch(`${round}-${KINDS.indexOf(kind)}-`);
      const inspector = kind === "one inspector" ? watch(inspections, firstId) : undefined;
      const before = cpuMicroseconds(process.pid);
      const result = station.processor.apply(deliveries);
      observer.committed(result, 0, Date.now());
      if (kind !== "without inspection") inspections.committed(result, 0, 0);
      const us = (cpuMicroseconds(process.pid) - before) / deliveries.length;
      inspector?.close();
      if (round >= WARM_UP) spent.get(kind)?.push(us);
      last = result;
    }
  }

  console.log(`${batches} batches of ${orders * EVENTS_PER_ORDER} events of each kind, in turn; µs of CPU per event`);
  for (const [kind, us] of spent) {
    console.log(`  ${kind.padEnd(20)} ${spread(us)}`);
  }
  const [without = [], nobody = []] = [...spent.values()];
  const differences = nobody.map((us, round) => us - (without[round] ?? Number.NaN));
  console.log(`  nobody inspects less without, by round: ${spread(differences)}`);
  console.log(`the one call a batch makes while nobody inspects: ${callNs(inspections, last).toFixed(1)} ns`);
  console.log(`the inspector of one order in each batch was told ${characters} characters`);

  function nextBatch(idPrefix: string): { deliveries: Delivery[]; firstId: string } {
    const messages = plainOrders({ orders, seed: 1, idPrefix });
    return {
      deliveries: messages.map(({ subject, body, headers }) =>
        deliver(++sequence, subject, body, { headers: { ...headers } }),
      ),
      firstId: messages[0]?.actorId ?? "",
    };
  }

  function watch(watched: Inspections, actorId: string): Inspection {
    const inspection = watched.open(type, actorId, {
      redact: false,
      tell(message) {
        characters += message.length;
        return undefined;
      },
      onEnd() {},
    });
    if (typeof inspection === "string") throw new Error(`not inspected: ${inspection}`);
    return inspection;
  }
}

/** What `committed` takes, the loop around it included, ns. */
function callNs(inspections: Inspections, result: BatchResult | undefined): number {
  if (result === undefined) return Number.NaN;
  for (let warm = 0; warm < CALLS / 10; warm++) inspections.committed(result, 0, 0);
  const startedMs = performance.now();
  for (let call = 0; call < CALLS; call++) inspections.committed(result, 0, 0);
  return ((performance.now() - startedMs) * 1e6) / CALLS;
}

function spread(values: readonly number[]): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(values, share));
  return `median ${middle}  (quartiles ${low} to ${high})`;
}

function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(2);
}
