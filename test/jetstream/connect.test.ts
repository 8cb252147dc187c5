import { expect, it } from "vitest";
import { settings } from "../../src/config/settings.ts";
import { connectNats, NatsAwayError } from "../../src/jetstream/connect.ts";
import { startTestServer } from "../server.ts";
import { until } from "../until.ts";

const failure = (url: string) =>
  connectNats({ url, name: "test" }).then(
    (nc) => nc.close().then(() => undefined),
    (error: Error) => error,
  );

it.each([
  ["nobody", "nats://127.0.0.1:1", /connection refused.*Is nats-server running there\?/],
  ["unknown_host", "nats://nowhere.invalid:4222", /nowhere\.invalid.*Is the host's name right/],
])("away because of %s: the reason and what to look at are told in one line", async (why, url, message) => {
  const error = await failure(url);
  expect(error).toBeInstanceOf(NatsAwayError);
  expect(error).toMatchObject({ why, message: expect.stringMatching(message) });
  expect(error?.message).not.toMatch(/\n/);
});

it("a login that the server refuses is named as that, without the password", async () => {
  await using server = await startTestServer();
  await server.configure({ "ping_max: 3": "ping_max: 3\nauthorization { user: me, password: right }" });
  server.signal("SIGHUP");
  const error = await until("it refuses", async () => {
    const error = await failure(server.url.replace("nats://", "nats://me:wrong@"));
    // While it reads its configuration, or on a busy machine, nobody may answer in time.
    return error instanceof NatsAwayError && error.why === "nobody" ? undefined : error;
  });
  expect(error).toMatchObject({ why: "refused", message: expect.stringMatching(/refuses who we are .*NATS_CREDS/) });
  expect(error?.message).not.toContain("wrong");
});

it.each(["ws://nats:8080", "wss://nats:443", "http://nats:4222"])(
  "%s is no address for NATS_URL, which says what is",
  (url) => {
    const { error } = settings.NATS_URL.schema.safeParse(url);
    expect(error?.issues[0]?.message).toMatch(
      /^expected nats:\/\/host:port or tls:\/\/host:port \(ws:\/\/ is not spoken here\)/,
    );
  },
);
