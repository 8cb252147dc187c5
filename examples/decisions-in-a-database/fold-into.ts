import type { JetStreamClient } from "@nats-io/jetstream";
import { consumeDecisions, type DecisionConsumer, type OrderDecision, orderContract } from "natstate/client";

/** Where decisions are kept: `run` resolves once the database has committed. */
export interface Database {
  readonly dialect: "sqlite" | "postgres";
  run(sql: string, values: readonly (string | number)[]): Promise<unknown> | unknown;
}

/** A row an order: its latest revision, a withdrawal, too. Without that row an older revision would count as new. */
export const TABLE = `
create table if not exists order_decisions (
  order_id text primary key,
  revision integer not null,
  decision_type text not null,
  decision text not null
)`;

/** What stands. */
export const STANDING = `select * from order_decisions where decision_type <> '${orderContract.withdrawn}'`;

const PLACES = { sqlite: "?, ?, ?, ?", postgres: "$1, $2, $3, $4" };

/** Takes a revision if it is higher than the one that is there: the same twice, or an older one, changes nothing. */
export function upsert(dialect: Database["dialect"]): string {
  return `
insert into order_decisions as known (order_id, revision, decision_type, decision)
values (${PLACES[dialect]})
on conflict (order_id) do update set
  revision = excluded.revision,
  decision_type = excluded.decision_type,
  decision = excluded.decision
where excluded.revision > known.revision`;
}

export function rowOf(decision: OrderDecision): (string | number)[] {
  return [decision.orderId, decision.revision, decision.decisionType, JSON.stringify(decision)];
}

/** Keeps the table as the decisions are. Any number of processes may, under one durable. */
export function foldInto(database: Database, js: JetStreamClient): Promise<DecisionConsumer> {
  const sql = upsert(database.dialect);
  return consumeDecisions(js, orderContract, {
    durable: "order-decisions",
    async handler(decision) {
      await database.run(sql, rowOf(decision));
    },
  });
}
