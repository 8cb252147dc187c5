import { isDeepStrictEqual } from "node:util";
import { expect, it } from "vitest";
import type { ClusterNode } from "../cluster.ts";
import { findChromium } from "../console/browser.ts";
import { openChecker } from "../faults/checker.ts";
import { PATIENCE_MS } from "../faults/cluster-world.ts";
import { type Name, type OperatedWorld, openOperatedWorld, type Said } from "./operated.ts";
import { hasPrometheus } from "./prometheus.ts";
import { traffic } from "./world.ts";

/** What is true at a moment; readiness, alerts and the console follow from it. */
interface Truth {
  /** Daemons that do not run. */
  readonly down?: readonly Name[];
  /** Of the three nodes, which run: without two of them nothing can be read or stored. */
  readonly nodes?: 0 | 1 | 2 | 3;
  /** What doctor says is not as it should be. */
  readonly doctor: RegExp;
  /** What a daemon has logged since the moment before; null: none has to say anything. */
  readonly log: RegExp | null;
}

const ORDERS_EACH = 10;

it.skipIf(!hasPrometheus())(
  "whatever is stopped and started: readiness, alerts, doctor, log and console say what is true",
  async () => {
    await using operated = await openOperatedWorld();
    const { world } = operated;
    const [n1, n2, n3] = world.cluster.nodes;
    let seed = 900;
    const work = () => world.publish(traffic(ORDERS_EACH, ++seed, { malformed: 0 }));
    const isTrue = (moment: string, truth: Truth) => compare(operated, moment, truth);
    const allIsWell = (moment: string, log: RegExp | null = null) => isTrue(moment, { doctor: /^$/, log });
    const start = async (...nodes: ClusterNode[]) => {
      for (const node of nodes) node.start();
      await world.cluster.settle(world.session);
    };

    await work();
    await allIsWell("all run");

    for (const node of [n1, n2, n3]) {
      await node.kill9();
      await work();
      await isTrue(`${node.name} is gone`, {
        nodes: 2,
        doctor: new RegExp(`warning replicas: .*${node.name}`),
        log: null,
      });
      await start(node);
      await work();
      await allIsWell(`${node.name} is back`);
    }

    await n2.kill9();
    await n3.kill9();
    await isTrue("only n1 is left", {
      nodes: 1,
      doctor: /problem NATS: .*JetStream/,
      log: /"level":"warn".*JetStream does not answer/,
    });
    await n1.kill9();
    await isTrue("no node is left", { nodes: 0, doctor: /problem NATS: /, log: /"level":"warn".*NATS is away/ });
    await start(n1, n2, n3);
    await work();
    await allIsWell("all nodes are back", /NATS is back.*no longer so/s);

    expect(await operated.daemon("a").stop()).toBe(0);
    await work();
    await isTrue("a was stopped", { down: ["a"], doctor: /^$/, log: /^b .*partitions taken/m });
    await operated.start("a");
    await allIsWell("a runs again");

    await operated.daemon("b").kill9();
    await work();
    await isTrue("b was killed", { down: ["b"], doctor: /^$/, log: /^a .*partitions taken/m });
    await operated.daemon("a").kill9();
    await isTrue("none runs", { down: ["a", "b"], doctor: /warning daemon: none answers/, log: null });
    await Promise.all([operated.start("a"), operated.start("b")]);
    await work();
    await allIsWell("both run again");

    await Promise.all([world.settle(operated.daemon("a")), world.settle(operated.daemon("b"))]);
    expect(await operated.daemon("a").stop()).toBe(0);
    await isTrue("b has all", { down: ["a"], doctor: /^$/, log: null });
    const checker = await openChecker(n1.url);
    const { lost, doubled, wrong } = await checker.check(operated.daemon("b").httpUrl);
    await checker.close();
    expect({ lost, doubled, wrong }).toEqual({ lost: [], doubled: [], wrong: [] });
  },
  // It takes less than three, and shared machines are slow.
  600_000,
);

/** Waits until everything that is said is what is true, and fails with what is still said otherwise. */
async function compare(operated: OperatedWorld, moment: string, truth: Truth): Promise<void> {
  const beganMs = performance.now();
  const { expected, may } = whatFollows(truth);
  let logged = "";
  for (;;) {
    const said = await settleOn(() => operated.look(may), expected);
    const { code, found } = await operated.examine();
    logged += `${operated.logged().join("\n")}\n`;
    const isTold = truth.doctor.test(found.join("\n")) && (truth.log === null || truth.log.test(logged));
    if (isTold && isDeepStrictEqual(said, expected)) break;
    if (performance.now() - beganMs < PATIENCE_MS) continue;
    expect({ ...said, code, found, logged }, moment).toEqual({ ...expected, ...truth });
  }
  console.log(`${moment}: true after ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
}

/** Looks until twice in a row is seen what is expected, for a while: what is said during a change may be so by chance. */
async function settleOn(look: () => Promise<Said>, expected: Said): Promise<Said> {
  const untilMs = performance.now() + PATIENCE_MS / 3;
  let said = await look();
  for (let times = 0; times < 2 && performance.now() < untilMs; ) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    said = await look();
    times = isDeepStrictEqual(said, expected) ? times + 1 : 0;
  }
  return said;
}

function whatFollows({ down = [], nodes = 3 }: Truth): { readonly expected: Said; readonly may: readonly string[] } {
  const works = nodes >= 2;
  const of = <Value>(value: (name: Name) => Value) => ({ a: value("a"), b: value("b") });
  const running = (["a", "b"] as const).filter((name) => !down.includes(name));
  const alerts = [
    ...down.map((name) => `NatstateDown ${name}`),
    ...(works ? [] : running.map((name) => `NatstateNotReady ${name}`)),
    ...(nodes > 0 ? [] : running.map((name) => `NatstateNatsAway ${name}`)),
  ].sort();
  const status = (name: Name) => (down.includes(name) ? "silent" : works ? "live" : "trouble");
  const expected = {
    ready: of((name) => (down.includes(name) ? null : works)),
    read: works && running.length > 0 ? 16 : 0,
    alerts,
    ...(findChromium() && { console: of(status) }),
  };
  return { expected, may: works ? [] : ["NatstatePartitionUnread"] };
}
