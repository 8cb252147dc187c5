import { isDeepStrictEqual } from "node:util";
import type { Stored } from "../wire/contract.ts";
import { contentOf, type Json, type ModelOrder, newOrder, standingContent } from "./checker-orders.ts";

/** One message of a stream, with its place there. */
export interface Placed extends Stored {
  readonly sequence: number;
}

/** What is not as it should be, a line each. */
export interface Report {
  /** Events, revisions or dead letters that are missing. */
  readonly lost: string[];
  /** Those that are there more than once, or that nothing led to. */
  readonly doubled: string[];
  readonly wrong: string[];
}

/** A message of ORDERS that belongs in DEAD_LETTERS. */
export interface Bad {
  readonly reason: string;
  readonly body: Buffer;
  /** Its sequence. */
  readonly where: string;
}

export type OutputStream = "DECISIONS" | "DEAD_LETTERS";

/** Each order's decisions as they were published. */
export function decisionsByOrder(messages: readonly Placed[], report: Report): Map<string, Json[]> {
  const published = new Map<string, Json[]>();
  for (const message of messages) {
    const decision = JSON.parse(Buffer.from(message.body).toString()) as Json;
    const id = message.subject.slice("decisions.orders.".length);
    const all = published.get(id) ?? [];
    published.set(id, all);
    all.push(decision);
    if (decision.orderId !== id) report.wrong.push(`decision on ${message.subject} is about ${decision.orderId}`);
    const msgId = message.header("Nats-Msg-Id");
    // More behind it where the stream remembered the id though it did not hold the message.
    if (!`${msgId}:`.startsWith(`orders:${id}:${decision.revision}:`))
      report.wrong.push(`${id}: Nats-Msg-Id of revision ${decision.revision} is ${msgId}`);
    if (message.header("Natstate-Revision") !== String(decision.revision))
      report.wrong.push(`${id}: wrong revision header`);
  }
  return published;
}

/** Per order: revisions 1 to n, each content another than the one before, the last one the model's. */
export function checkDecisions(
  published: ReadonlyMap<string, readonly Json[]>,
  orders: ReadonlyMap<string, ModelOrder>,
  { givenUp, exact }: { readonly givenUp: ReadonlySet<string>; readonly exact: boolean },
  report: Report,
): void {
  for (const id of new Set([...orders.keys(), ...published.keys()])) {
    const model = orders.get(id) ?? newOrder();
    const found = published.get(id) ?? [];
    checkRevisions(id, found, report);
    if (givenUp.has(id)) continue;
    if (exact) compareDecisions(id, found, model, report);
    const standing = standingContent({ decisions: [...found] });
    if (!isDeepStrictEqual(standing, standingContent(model))) {
      report.wrong.push(
        `${id}: ${JSON.stringify(standing)} stands, expected ${JSON.stringify(standingContent(model))}`,
      );
    }
  }
}

function checkRevisions(id: string, found: readonly Json[], report: Report): void {
  const seen = new Set<unknown>();
  for (const [index, decision] of found.entries()) {
    const { revision } = decision;
    if (seen.has(revision)) report.doubled.push(`${id}: revision ${revision} is there twice`);
    else if (revision !== index + 1) report.lost.push(`${id}: revision ${index + 1} is missing, ${revision} found`);
    seen.add(revision);
    const before = found[index - 1];
    if (before !== undefined && isDeepStrictEqual(contentOf(before), contentOf(decision))) {
      report.doubled.push(`${id}: revision ${revision} says what the one before says`);
    }
  }
}

function compareDecisions(id: string, found: readonly Json[], { decisions }: ModelOrder, report: Report): void {
  for (const expected of decisions.slice(found.length))
    report.lost.push(`${id}: revision ${expected.revision} is missing`);
  for (const extra of found.slice(decisions.length))
    report.doubled.push(`${id}: nothing led to revision ${extra.revision}`);
  for (const [index, expected] of decisions.entries()) {
    const actual = found[index];
    if (actual !== undefined && !isDeepStrictEqual(actual, expected)) {
      report.wrong.push(`${id}: decision ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
    }
  }
}

/** Exactly the bad messages, by sequence, once each, with their bytes. */
export function checkDeadLetters(messages: readonly Placed[], bad: readonly Bad[], report: Report): void {
  const keyOf = (where: string, reason: string, body: Buffer) => `${where} ${reason} ${body.toString("base64")}`;
  const open = new Map<string, number>();
  for (const { where, reason, body } of bad) open.set(keyOf(where, reason, body), 1);
  for (const message of messages) {
    const where = message.header("Natstate-Sequence") ?? "";
    const reason = message.header("Natstate-Reason") ?? "";
    const left = open.get(keyOf(where, reason, Buffer.from(message.body)));
    if (left === undefined)
      report.wrong.push(
        `dead letter of ${where} (${reason}: ${message.header("Natstate-Error")}) was not bad, or not so`,
      );
    else if (left === 0) report.doubled.push(`dead letter of ${where} (${reason}) is there twice`);
    else open.set(keyOf(where, reason, Buffer.from(message.body)), 0);
  }
  for (const [key, left] of open) if (left > 0) report.lost.push(`dead letter of ${key.slice(0, 60)} is missing`);
}
