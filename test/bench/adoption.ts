import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { parseArgs } from "node:util";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { atOnce } from "../../src/flow/pieces.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import { startCheckpoints } from "../../src/store/checkpoints.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createJournal } from "../../src/store/journal.ts";
import { type CopiedRow, createLaneCopies } from "../../src/store/lane-copy.ts";
import { openLaneStage } from "../../src/store/lane-stage.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { orderEvent } from "../flow/order-events.ts";

const HELP = `node test/bench/adoption.ts [--orders <n>]

A partition of so many orders (30000), five events each, is copied from one store into another that has nothing of it: what
staging it takes, 64 rows at a time, and what adopting it does; in each longest step nothing else has its turn. Prints JSON.`;

/** As a daemon stages them. */
const ROWS_AT_ONCE = 64;
const TYPES = ["OrderCreated", "PaymentProcessed", "InventoryReserved", "ShippingCalculated", "LoyaltyPointsUpdated"];

const { values } = parseArgs({ options: { orders: { type: "string", default: "30000" }, help: { type: "boolean" } } });
if (values.help) process.stdout.write(`${HELP}\n`);
else process.stdout.write(`${JSON.stringify(await measure(Number(values.orders)))}\n`);

function open(file: string) {
  const { db, close } = openDatabase(file);
  return { db, file, journal: createJournal(db), [Symbol.dispose]: close };
}

async function measure(orders: number) {
  const directory = mkdtempSync(join(tmpdir(), "natstate-adoption-"));
  try {
    const lane: Lane = { type: orderType as ActorType, stream: "ORDERS", partition: 0 };
    using giver = open(join(directory, "giver.db"));
    using taker = open(join(directory, "taker.db"));
    fill(giver, lane, orders);
    const rows: CopiedRow[] = [];
    const copy = createLaneCopies(giver.file).open(lane, (row) => rows.push(row));
    if (copy === undefined) throw new Error("nothing to copy");
    atOnce(copy.rows());
    copy.close();
    // As in a daemon: else a commit now and then waits for the disk.
    const endCheckpoints = startCheckpoints(taker.db, taker.file, (error) => {
      throw error;
    });
    const stage = openLaneStage(taker, lane);
    const staging: Took[] = [];
    for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
      staging.push(took(() => stage.add(rows.slice(from, from + ROWS_AT_ONCE))));
      // As in a daemon, where the checkpoints' thread asks for what only this one can do.
      if (staging.length % 16 === 0) await setImmediate();
    }
    const adopting = took(() => stage.adopt(copy.stand));
    atOnce(stage.close());
    await endCheckpoints();
    return {
      ...{ orders, rows: rows.length },
      staging: { ...longest(staging), allCpuMs: ms(staging.reduce((sum, { cpuMs }) => sum + cpuMs, 0)) },
      adopting: longest([adopting]),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface Took {
  readonly wallMs: number;
  readonly cpuMs: number;
}

function took(work: () => void): Took {
  const startedMs = performance.now();
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 };
}

/** By the clock, and of CPU: on a busy machine another one may have had the core. */
function longest(steps: readonly Took[]) {
  return {
    longestMs: ms(Math.max(...steps.map(({ wallMs }) => wallMs))),
    longestCpuMs: ms(Math.max(...steps.map(({ cpuMs }) => cpuMs))),
  };
}

function ms(value: number): number {
  return Math.round(value * 10) / 10;
}

function fill({ journal }: ReturnType<typeof open>, lane: Lane, orders: number): void {
  const actors = createHotActors(journal, 4000, () => {});
  const processor = createProcessor(journal, actors, { maxBytes: 65_536 });
  let sequence = 0;
  for (let from = 0; from < orders; from += 200) {
    const ids = Array.from({ length: Math.min(200, orders - from) }, (_, index) => `order-${from + index}`);
    processor.apply(
      ids.flatMap((id) =>
        TYPES.map((eventType, index) =>
          orderEvent(++sequence, id, eventType as "OrderCreated", { second: index, lane }),
        ),
      ),
    );
  }
}
