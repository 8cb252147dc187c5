import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import Sqlite from "better-sqlite3";
import { foldInto, TABLE } from "./fold-into.ts";

// The orders' decisions in a file of SQLite's, until Ctrl-C.
const db = new Sqlite(process.env.DATABASE ?? "orders.sqlite");
db.exec(TABLE);

const nc = await connect({ servers: process.env.NATS_URL ?? "127.0.0.1:4222" });
const run = (sql: string, values: readonly (string | number)[]) => db.prepare(sql).run(...values);
const consumer = await foldInto({ dialect: "sqlite", run }, jetstream(nc));
console.log("following");

process.once("SIGINT", async () => {
  await consumer.stop();
  await nc.drain();
  db.close();
});
