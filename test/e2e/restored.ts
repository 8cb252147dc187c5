import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType, TrafficMessage } from "../../src/actor/actor-type.ts";
import { decodeContent } from "../../src/actor/decision.ts";
import { rehearsalOf } from "../../src/demo/traffic.ts";
import { messagesOn } from "../../src/jetstream/leader-reader.ts";
import type { Session } from "../../src/jetstream/session.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";
import { expectVerified, publish, rebuildStore, refused, settle, withDaemon } from "./restored-daemon.ts";
import { expectRevisions } from "./world.ts";

const type = orderType as ActorType;

/** What became of a stream or the store: as it was left, as it was in an older copy, or not there. */
export type Fate = "same" | "older" | "gone";

/** One combination. */
export interface Cell {
  readonly ORDERS: Fate;
  readonly DECISIONS: Fate;
  readonly DEAD_LETTERS: Fate;
  readonly store: Fate;
}

const FATES: readonly Fate[] = ["same", "older", "gone"];

/** Every combination. */
export const CELLS: readonly Cell[] = FATES.flatMap((ORDERS) =>
  FATES.flatMap((DECISIONS) =>
    FATES.flatMap((DEAD_LETTERS) => FATES.map((store) => ({ ORDERS, DECISIONS, DEAD_LETTERS, store }))),
  ),
);

const STREAMS = ["ORDERS", "DECISIONS", "DEAD_LETTERS"] as const;

/** What a daemon has done in two parts, copied after each. */
export interface Past extends AsyncDisposable {
  /**
   * Puts one combination in place, starts on it as the refusals tell, and holds everything against the model.
   *
   * @param how - `rebuilt`: the store is made anew first, and then nothing is refused.
   */
  check(cell: Cell, how?: "rebuilt"): Promise<void>;
  /** The server comes back with an older DECISIONS and DEAD_LETTERS while a daemon runs. */
  checkRunning(): Promise<void>;
}

export async function openPast(): Promise<Past> {
  const server = await startTestServer();
  const root = mkdtempSync(join(tmpdir(), "natstate-restored-"));
  const streamsDir = join(server.storeDir, "jetstream", "$G", "streams");
  const copyTo = (copy: string) => {
    cpSync(streamsDir, join(root, copy, "streams"), { recursive: true });
    cpSync(join(root, "data"), join(root, copy, "data"), { recursive: true });
  };
  const parts = { older: traffic(1), newer: traffic(2) };
  for (const part of ["older", "newer"] as const) {
    await withDaemon(server, join(root, "data"), [], async (daemon, session) => {
      await publish(session, parts[part]);
      await settle(daemon, session);
    });
    await server.kill9();
    copyTo(part);
    await server.restart();
  }

  /** `same` is as it was left: the newer copy. */
  async function place(cell: Cell): Promise<void> {
    await server.kill9();
    rmSync(streamsDir, { recursive: true, force: true });
    rmSync(join(root, "data"), { recursive: true, force: true });
    for (const name of STREAMS) {
      const copy = copyOf(cell[name]);
      if (copy !== undefined) cpSync(join(root, copy, "streams", name), join(streamsDir, name), { recursive: true });
    }
    const copy = copyOf(cell.store);
    if (copy !== undefined) cpSync(join(root, copy, "data"), join(root, "data"), { recursive: true });
    await server.restart();
  }

  const past: Placed = { server, dataDir: join(root, "data"), root, streamsDir, parts, place };
  return {
    check: (cell, how) => checkCell(past, cell, how),
    checkRunning: () => checkRunning(past),
    async [Symbol.asyncDispose]() {
      await server.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** What was copied, and how a combination of it is put in place. */
interface Placed {
  readonly server: TestServer;
  readonly dataDir: string;
  readonly root: string;
  readonly streamsDir: string;
  readonly parts: Readonly<Record<"older" | "newer", readonly TrafficMessage[]>>;
  place(cell: Cell): Promise<void>;
}

async function checkCell({ server, dataDir, parts, place }: Placed, cell: Cell, how?: "rebuilt"): Promise<void> {
  await place(cell);
  if (how === "rebuilt") await rebuildStore(server, dataDir);
  const accept = await refused(server, dataDir);
  expect(accept, "what has to be accepted").toEqual(how === "rebuilt" ? [] : expectedRefusals(cell));
  const isKnown = (part: "older" | "newer") => [cell.ORDERS, cell.store].some((fate) => reaches(fate, part));
  const known = (["older", "newer"] as const).filter(isKnown).flatMap((part) => parts[part]);
  // More than a part, so that what was lost has its sequences given again.
  const last = [...traffic(3), ...traffic(4)];
  const before = reaches(cell.DECISIONS, "newer") ? "nothing new" : "whatever was lost";
  await withDaemon(server, dataDir, accept, async (daemon, session) => {
    const { state } = await session.jsm.streams.info("DECISIONS");
    await settle(daemon, session);
    await expectVerified(session, dataDir);
    const after = (await session.jsm.streams.info("DECISIONS")).state;
    if (before === "nothing new") expect(after.last_seq, "decisions without an event").toBe(state.last_seq);
    await publish(session, last);
    await settle(daemon, session);
    await checkDecisions(session, [...known, ...last]);
    await checkDeadLetters(session, [...known, ...last], cell);
    await expectVerified(session, dataDir);
  });
  // And it is not asked twice, and nothing is due at the next start.
  await withDaemon(server, dataDir, [], settle);
}

async function checkRunning({ server, dataDir, root, streamsDir, parts, place }: Placed): Promise<void> {
  await place({ ORDERS: "same", DECISIONS: "same", DEAD_LETTERS: "same", store: "same" });
  const known = [...parts.older, ...parts.newer];
  await withDaemon(server, dataDir, [], async (daemon, session) => {
    await settle(daemon, session);
    await server.kill9();
    for (const name of ["DECISIONS", "DEAD_LETTERS"]) {
      rmSync(join(streamsDir, name), { recursive: true });
      cpSync(join(root, "older", "streams", name), join(streamsDir, name), { recursive: true });
    }
    await server.restart();
    await until("what was lost is there again", () =>
      checkDecisions(session, known).then(
        () => true,
        () => false,
      ),
    );
    await settle(daemon, session);
    await checkDeadLetters(session, known, {
      ORDERS: "same",
      DECISIONS: "older",
      DEAD_LETTERS: "older",
      store: "same",
    });
    const last = traffic(3);
    await publish(session, last);
    await settle(daemon, session);
    await checkDecisions(session, [...known, ...last]);
  });
}

function copyOf(fate: Fate): "older" | "newer" | undefined {
  return fate === "gone" ? undefined : fate === "older" ? "older" : "newer";
}

/** Does what is there have this part of the past? */
function reaches(fate: Fate, part: "older" | "newer"): boolean {
  return fate === "same" || (fate === "older" && part === "older");
}

/** Only a store that knows more than a stream, or knows another one, has something to refuse. */
function expectedRefusals({ ORDERS, DECISIONS, DEAD_LETTERS, store }: Cell): string[] {
  if (store === "gone") return [];
  const isBehind = ORDERS === "older" && store === "same";
  return [
    ...(ORDERS === "gone" || isBehind ? ["ORDERS"] : []),
    ...(DECISIONS === "gone" ? ["DECISIONS"] : []),
    ...(DEAD_LETTERS === "gone" ? ["DEAD_LETTERS"] : []),
  ];
}

const ORDERS_EACH = 4;

/** Each part says something new of every order, and has one message that nobody can read. */
function traffic(part: number): TrafficMessage[] {
  const event = (id: string, eventType: string, fields: object): TrafficMessage => ({
    actorId: id,
    subject: `orders.${id}.${eventType}`,
    body: JSON.stringify({
      orderId: id,
      eventType,
      eventId: `${eventType}-${part}`,
      timestamp: `2026-02-0${part}T10:00:00Z`,
      ...fields,
    }),
  });
  const ids = Array.from({ length: ORDERS_EACH }, (_, nth) => `o-${nth}`);
  return [
    ...ids.flatMap((id, nth) => [
      event(id, "PaymentProcessed", { amount: 1, status: nth === 0 && part === 2 ? "failed" : "successful" }),
      event(id, "InventoryReserved", { reservedItems: { sku: 1 }, warehouseId: `w-${part}` }),
      event(id, "ShippingCalculated", { shippingCost: 1, estimatedDays: part }),
    ]),
    { subject: "orders.bad.OrderCreated", body: `{ part ${part}`, rejectedAs: "malformed_json" } as TrafficMessage,
  ];
}

async function checkDecisions({ nc, jsm }: Session, messages: readonly TrafficMessage[]): Promise<void> {
  for (const [id, expected] of rehearsalOf(type).expect(messages)) {
    const payloads: string[] = [];
    for await (const { body } of messagesOn(jsm, "DECISIONS", `decisions.orders.${id}`)) {
      payloads.push(Buffer.from(body).toString());
    }
    expectRevisions(id, payloads, expected.decision);
    const answer = (await nc.request(`natstate.orders.get.${id}`)).json<{ decision: object }>();
    expect(answer, id).toMatchObject({ processingStatus: expected.state, version: expected.events });
    expect(decodeContent(type, JSON.stringify(answer.decision)), id).toEqual(expected.decision);
  }
}

/** Of each message that could not be read one, if anything that is there knows of it. */
async function checkDeadLetters({ jsm }: Session, known: readonly TrafficMessage[], cell: Cell): Promise<void> {
  const bodies: string[] = [];
  for await (const { body } of messagesOn(jsm, "DEAD_LETTERS", "deadletters.orders.*")) {
    bodies.push(Buffer.from(body).toString());
  }
  for (const [part, name] of [
    [1, "older"],
    [2, "newer"],
    [3, undefined],
  ] as const) {
    const body = `{ part ${part}`;
    const isKnown = known.some((message) => message.body === body);
    const isHeld = name !== undefined && reaches(cell.DEAD_LETTERS, name);
    expect(bodies.filter((each) => each === body).length, `dead letters of part ${part}`).toBe(
      isKnown || isHeld ? 1 : 0,
    );
  }
}
