import { headers } from "@nats-io/transport-node";
import { expectCalm } from "./calm.ts";
import type { OutputStream } from "./checker-outputs.ts";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import type { World } from "./world.ts";

const HIGHEST = String(Number.MAX_SAFE_INTEGER);
/** Shorter than anybody could wait for, so that a copy with the id of the original gets in. */
const FORGETS_MS = 100;

/** Somebody else publishes to DECISIONS and DEAD_LETTERS: looked at, passed over, never believed, never a loop. */
export const strangers: readonly Fault[] = [
  {
    name: "stranger-decisions",
    about: "older revisions copied onto decision subjects, with and without their id; other content; no JSON",
    leastStrikes: 60,
    async strike(world) {
      await world.start();
      const { jsm } = world.session;
      await underLoad(world, 4, async (_round, published) => {
        await published;
        await world.settle();
        // From now on a decision's id is remembered for a moment only.
        await jsm.streams.update("DECISIONS", { duplicate_window: FORGETS_MS * 1_000_000 });
        for (const { subject, body, header } of await decisions(world, 10)) {
          await put(world, subject, body, header);
          await put(world, subject, body, { "Natstate-Revision": header["Natstate-Revision"] ?? "" });
          await put(world, subject, Buffer.from('{"decisionType":"OrderConfirmed","warehouseId":"strange"}'));
          await put(world, subject, Buffer.from("no decision at all"));
        }
        await expectCalm(world);
      });
      await world.settle();
      await expectCalm(world);
    },
  },
  {
    name: "stranger-revisions",
    about: "decisions with revision 9007199254740991, 0, -1, 1.5, 'x' or the next one: no other order notices",
    leastStrikes: 60,
    async strike(world) {
      await world.start();
      await underLoad(world, 3, async (round, published) => {
        await published;
        await world.settle();
        const known = (await decisions(world, 5)).map(({ subject }) => subject);
        // The last two are subjects of orders that begin in the next round.
        const unknown = [`decisions.orders.stranger-${round}`, "decisions.orders.t1-order-1080"];
        for (const subject of [...known, ...unknown]) {
          for (const revision of [HIGHEST, "0", "-1", "1.5", "x", "2"])
            await put(world, subject, Buffer.from("{}"), { "Natstate-Revision": revision });
        }
        if (round === 1) await restart(world);
      });
      await world.settle();
      await expectCalm(world);
    },
  },
  {
    name: "stranger-ids",
    about: "the ids of decisions to come (orders:<id>:<revision>) published beforehand, on another subject",
    leastStrikes: 100,
    async strike(world) {
      await world.start();
      const messages = world.traffic(60);
      const ids = [...new Set(messages.flatMap(({ actorId = [] }) => actorId))];
      for (const id of ids) {
        for (const revision of ["1", "2", "3"]) {
          const header = { "Nats-Msg-Id": `orders:${id}:${revision}`, "Natstate-Revision": revision };
          await put(world, "decisions.orders.unrelated", Buffer.from("{}"), header);
        }
      }
      await world.publish(messages);
      await world.settle();
      await expectCalm(world);
    },
  },
  {
    name: "stranger-dead-letters",
    about: "dead letters whose headers name sequences to come: those that come are dead-lettered all the same",
    leastStrikes: 100,
    async strike(world) {
      await world.start();
      await underLoad(world, 3, async (round, published) => {
        await published;
        await world.settle();
        const { state } = await world.session.jsm.streams.info("ORDERS");
        for (let ahead = 1; ahead <= 60; ahead++) await forgeLetter(world, String(state.last_seq + ahead));
        for (const sequence of [HIGHEST, "0", "-5", "x"]) await forgeLetter(world, sequence);
        // Bad ones among them, at the sequences named: heard later than the forged ones are read, or stored before.
        await world.daemon().stop();
        if (round === 1) await world.publish(world.traffic(5, 40));
        await world.start();
        if (round !== 1) await world.publish(world.traffic(5, 40));
      });
      await world.settle();
      await expectCalm(world);
    },
  },
];

async function restart(world: World): Promise<void> {
  await world.daemon().stop();
  await world.start();
}

type Header = Readonly<Record<string, string>>;

/** Publishes what natstate did not: the checker passes over it. */
async function put(world: World, subject: string, body: Uint8Array, given: Header = {}): Promise<void> {
  const header = headers();
  for (const [name, value] of Object.entries(given)) header.set(name, value);
  const { stream, seq, duplicate } = await world.session.js.publish(subject, body, { headers: header });
  if (duplicate) return;
  world.checker.passOver(stream as OutputStream, seq);
  world.struck();
}

function forgeLetter(world: World, sequence: string): Promise<void> {
  const partition = world.random.whole(0, 15);
  return put(world, "deadletters.orders.malformed_json", Buffer.from("{"), {
    "Natstate-Reason": "malformed_json",
    "Natstate-Error": "forged",
    "Natstate-Stream": "ORDERS",
    "Natstate-Sequence": sequence,
    "Natstate-Subject": `orders.${partition}.nobody.PaymentProcessed`,
  });
}

interface Published {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly header: Header;
}

/** Some of those that are there, chosen at random. */
async function decisions(world: World, count: number): Promise<Published[]> {
  const { state } = await world.session.jsm.streams.info("DECISIONS");
  const found: Published[] = [];
  for (let left = count; left > 0; left--) {
    const seq = world.random.whole(1, state.last_seq);
    const message = await world.session.jsm.streams.getMessage("DECISIONS", { seq });
    if (message === null) continue;
    const header = Object.fromEntries([...message.header].map(([name, [value = ""]]) => [name, value]));
    // What JetStream was to hold it against then says nothing now.
    delete header["Nats-Expected-Last-Subject-Sequence"];
    found.push({ subject: message.subject, body: message.data, header });
  }
  return found;
}
