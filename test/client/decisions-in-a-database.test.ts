import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import Sqlite from "better-sqlite3";
import { expect, it, vi } from "vitest";
import {
  type Database,
  foldInto,
  rowOf,
  STANDING,
  TABLE,
  upsert,
} from "../../examples/decisions-in-a-database/fold-into.ts";
import { startProgram } from "../e2e/cli-run.ts";
import { startTestServer } from "../server.ts";
import { until } from "../until.ts";
import { permutations, REVISIONS, revision } from "./revisions.ts";

/** A table of its own, in memory unless a file is named. */
function openTable(file = ":memory:") {
  const db = new Sqlite(file);
  const run: Database["run"] = (sql, values) => db.prepare(sql).run(...values);
  return {
    db,
    run,
    rows: (of: string) => db.prepare(`select order_id, revision, decision_type from ${of}`).raw().all(),
    [Symbol.dispose]: () => void db.close(),
  };
}

it("the table ends the same for every order of arrival and doubling", () => {
  using table = openTable();
  table.db.exec(TABLE);
  for (const order of permutations([...REVISIONS, revision("o1", 1)])) {
    table.db.exec("delete from order_decisions");
    for (const decision of order) table.run(upsert("sqlite"), rowOf(decision));
    expect(table.rows("order_decisions")).toEqual([["o1", 3, "OrderConfirmed"]]);
  }
});

it("what stands is followed by two at once, one of which dies each time after the commit; a withdrawal leaves nothing", async () => {
  await using server = await startTestServer();
  const nc = await connect({ servers: server.url });
  await (await jetstreamManager(nc)).streams.add({ name: "DECISIONS", subjects: ["decisions.orders.*"] });
  const js = jetstream(nc);
  using table = openTable();
  table.db.exec(TABLE);
  vi.spyOn(console, "error").mockImplementation(() => {});
  const seen = new Set<string>();
  /** What has committed and is not acknowledged comes again. */
  function run(sql: string, values: readonly (string | number)[]) {
    table.run(sql, values);
    const [id, of] = values;
    if (!seen.has(`${id}:${of}`)) {
      seen.add(`${id}:${of}`);
      throw new Error("gone after the commit");
    }
  }
  const consumers = await Promise.all([1, 2].map(() => foldInto({ dialect: "sqlite", run }, js)));
  for (const id of ["o1", "o2"]) {
    for (const decision of REVISIONS)
      await js.publish(`decisions.orders.${id}`, JSON.stringify({ ...decision, orderId: id }));
  }
  const last = revision("o2", 4, { decisionType: "OrderDecisionWithdrawn" });
  await js.publish("decisions.orders.o2", JSON.stringify(last));
  const jsm = await jetstreamManager(nc);
  await until("all is acknowledged", async () => {
    const { num_pending, num_ack_pending } = await jsm.consumers.info("DECISIONS", "order-decisions");
    return num_pending + num_ack_pending === 0;
  });
  for (const consumer of consumers) await consumer.stop();
  await nc.close();
  expect(table.rows(`(${STANDING})`)).toEqual([["o1", 3, "OrderConfirmed"]]);
  expect(table.rows("order_decisions order by order_id")).toEqual([
    ["o1", 3, "OrderConfirmed"],
    ["o2", 4, "OrderDecisionWithdrawn"],
  ]);
});

it("the program follows into its file and ends when told", async () => {
  await using server = await startTestServer();
  const nc = await connect({ servers: server.url });
  await (await jetstreamManager(nc)).streams.add({ name: "DECISIONS", subjects: ["decisions.orders.*"] });
  await jetstream(nc).publish("decisions.orders.o1", JSON.stringify(revision("o1", 1)));
  const dir = mkdtempSync(join(tmpdir(), "natstate-example-"));
  const args = ["--conditions=natstate-source", "examples/decisions-in-a-database/sqlite.ts"];
  const env = { NATS_URL: server.url, DATABASE: join(dir, "orders.sqlite") };
  const program = startProgram(process.execPath, args, env);
  await until("it follows", () => program.stdout() === "following\n");
  {
    using table = openTable(env.DATABASE);
    await until("the row is there", () => table.rows(`(${STANDING})`).length === 1);
  }
  program.kill("SIGINT");
  expect(await program.ran).toMatchObject({ code: 0, stderr: "" });
  await nc.close();
  rmSync(dir, { recursive: true });
});
