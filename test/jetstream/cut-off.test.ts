import { errors } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { watchCutOff } from "../../src/jetstream/cut-off.ts";
import type { Session } from "../../src/jetstream/session.ts";
import { createTestClock } from "../clock.ts";

const LED = {
  config: { num_replicas: 3 },
  cluster: { leader: "n2", replicas: Array(2).fill({ current: true, active: 0 }) },
};
const NOT_LED = { error: { err_code: 10_008 } };

/**
 * A connection that has no answer in time.
 *
 * @param bytes - what is delivered on it meanwhile.
 * @param elsewhere - what another server answers at once.
 */
async function watch({ bytes, elsewhere, ms }: { bytes: number; elsewhere: object; ms: number }) {
  const clock = createTestClock();
  let inBytes = 0;
  const late = (_subject: string, _payload: unknown, { timeout }: { timeout: number }) =>
    new Promise((_resolve, reject) => {
      clock.after(timeout, () => {
        inBytes += bytes;
        reject(new errors.TimeoutError());
      });
    });
  const nc = { info: { cluster: "test" }, getServer: () => "n1", request: late, stats: () => ({ inBytes }) };
  const done = { looks: 0, leaves: 0 };
  const session = {
    ...{ nc, isConnected: () => true },
    async connectElsewhere() {
      done.looks++;
      return {
        request: async () => ({ json: () => elsewhere }),
        ...{ getServer: () => "n2", stats: () => ({ inBytes: 0 }), close: async () => {} },
      };
    },
    leaveServer() {
      done.leaves++;
    },
  };
  const end = watchCutOff(session as unknown as Session, ["ORDERS"], clock);
  await clock.pass(ms);
  end();
  return done;
}

it("a server whose answers wait behind what it delivers is not left, though another one answers at once", async () => {
  expect(await watch({ bytes: 1_000_000, elsewhere: LED, ms: 2000 })).toEqual({ looks: 0, leaves: 0 });
  expect(await watch({ bytes: 1000, elsewhere: LED, ms: 2000 })).toEqual({ looks: 1, leaves: 1 });
});

it("where no server can do better for long, others are connected to rarely", async () => {
  const { looks, leaves } = await watch({ bytes: 0, elsewhere: NOT_LED, ms: 600_000 });
  expect(leaves).toBe(0);
  expect(looks).toBeGreaterThan(60);
  expect(looks).toBeLessThan(90);
});
