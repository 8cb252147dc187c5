import { execFile, execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { foldInto, rowOf, STANDING, TABLE, upsert } from "../../examples/decisions-in-a-database/fold-into.ts";
import { startTestServer } from "../server.ts";
import { until } from "../until.ts";
import { permutations, REVISIONS, revision } from "./revisions.ts";

const run = promisify(execFile);
/** PostgreSQL does not run as root. */
const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

describe.skipIf(!isInstalled())("PostgreSQL", () => {
  const dir = mkdtempSync(join(tmpdir(), "natstate-postgres-"));
  const options = { ...user, cwd: dir };

  beforeAll(async () => {
    if (user.uid !== undefined) chownSync(dir, user.uid, user.gid);
    await run("initdb", ["-D", join(dir, "data"), "-A", "trust", "-U", "test", "-N"], options);
    const server = `-c listen_addresses='' -c fsync=off -k ${dir}`;
    await run("pg_ctl", ["-D", join(dir, "data"), "-l", join(dir, "log"), "-o", server, "-w", "start"], options);
    await psql(TABLE);
  });
  afterAll(async () => {
    await run("pg_ctl", ["-D", join(dir, "data"), "-m", "immediate", "stop"], options);
    rmSync(dir, { recursive: true });
  });

  async function psql(sql: string): Promise<string> {
    const args = [
      "-h",
      dir,
      "-U",
      "test",
      "-d",
      "postgres",
      "-X",
      "-q",
      "-A",
      "-t",
      "-v",
      "ON_ERROR_STOP=1",
      "-c",
      sql,
    ];
    return (await run("psql", args, options)).stdout;
  }

  it("the table ends the same for every order of arrival and doubling", async () => {
    for (const order of permutations([...REVISIONS, revision("o1", 1)])) {
      const taken = order.map((decision) => executed(rowOf(decision))).join(";");
      const rows = await psql(`delete from order_decisions; ${prepared()}; ${taken}; ${ROWS}`);
      expect(rows).toBe("o1|3|OrderConfirmed\n");
    }
  });

  it("two follow what stands at once, and hear each decision again after the commit", async () => {
    await using server = await startTestServer();
    const nc = await connect({ servers: server.url });
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: "DECISIONS", subjects: ["decisions.orders.*"] });
    await psql("delete from order_decisions");
    vi.spyOn(console, "error").mockImplementation(() => {});
    const committed = new Set<string>();
    async function take(_sql: string, values: readonly (string | number)[]) {
      await psql(`${prepared()}; ${executed(values)}`);
      const key = `${values[0]}:${values[1]}`;
      if (!committed.has(key)) {
        committed.add(key);
        throw new Error("gone after the commit");
      }
    }
    const database = { dialect: "postgres", run: take } as const;
    const consumers = await Promise.all([1, 2].map(() => foldInto(database, jetstream(nc))));
    const decisions = [...REVISIONS, revision("o2", 1), revision("o2", 2, { decisionType: "OrderDecisionWithdrawn" })];
    for (const decision of decisions) {
      await jetstream(nc).publish(`decisions.orders.${decision.orderId}`, JSON.stringify(decision));
    }
    await until("all is acknowledged", async () => {
      const { num_pending, num_ack_pending } = await jsm.consumers.info("DECISIONS", "order-decisions");
      return num_pending + num_ack_pending === 0;
    });
    for (const consumer of consumers) await consumer.stop();
    await nc.close();
    expect(await psql(ROWS)).toBe("o1|3|OrderConfirmed\no2|2|OrderDecisionWithdrawn\n");
    expect(await psql(`select order_id from (${STANDING}) as standing`)).toBe("o1\n");
  });
});

const ROWS = "select order_id, revision, decision_type from order_decisions order by order_id";
/** As `pg` sends it, with places for values. */
const prepared = () => `prepare taken (text, int, text, text) as ${upsert("postgres")}`;
const executed = (values: readonly (string | number)[]) =>
  `execute taken (${values.map((value) => `'${String(value).replaceAll("'", "''")}'`).join(", ")})`;

function isInstalled(): boolean {
  try {
    execFileSync("initdb", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
