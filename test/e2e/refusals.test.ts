import { expect, it } from "vitest";
import { refusal } from "./refusal.ts";
import { openWorld } from "./world.ts";

it("a second daemon on the same data directory refuses and says what to do", async () => {
  await using world = await openWorld();
  const daemon = await world.start();
  const { code, output } = await refusal({ NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir });
  expect(code).toBe(1);
  expect(output).toMatch(/in use by another natstate daemon.*NATSTATE_DATA/s);
  expect((await fetch(`${daemon.httpUrl}/readyz`)).ok).toBe(true);
});

it("every problem of the configuration is told at once", async () => {
  const { code, output } = await refusal({
    NATSTATE_DATA: "/tmp/unused",
    NATSTATE_PARTITIONS: "many",
    NATSTATE_MAX_AGE: "a month",
    NATSTATE_TYPO: "1",
    NATS_URL: "nats://user:geheim@127.0.0.1:1 ,,",
  });
  expect(code).toBe(2);
  for (const name of ["NATSTATE_PARTITIONS", "NATSTATE_MAX_AGE", "NATSTATE_TYPO", "NATS_URL"])
    expect(output).toContain(name);
  expect(output).not.toContain("geheim");
});

it("nobody answers at NATS_URL, and it is not to wait: told in one message", async () => {
  await using world = await openWorld();
  const env = { NATS_URL: "nats://127.0.0.1:1", NATSTATE_DATA: world.dataDir };
  const { code, output } = await refusal(env, ["--no-wait"]);
  expect(code).toBe(1);
  expect(output).toMatch(/no NATS connection to nats:\/\/127.0.0.1:1/);
});

it("what the server or its streams are not made for is refused: message size, partitions", async () => {
  await using world = await openWorld();
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  // The test server's max_payload is 2 MiB: no room for the dead letter of the largest message.
  const large = await refusal({ ...env, NATSTATE_MAX_MESSAGE_BYTES: "2097152" });
  expect(large).toMatchObject({
    code: 1,
    output: expect.stringMatching(/Set it to at most 2031616, or raise max_payload/),
  });
  await (await world.start()).stop();
  const partitions = await refusal({ ...env, NATSTATE_PARTITIONS: "8" });
  expect(partitions).toMatchObject({ code: 1, output: expect.stringMatching(/stream ORDERS is not as configured/) });
});
