import { expect, test } from "vitest";
import { placeOfCommands } from "../../src/console/command-place.ts";

const own = (url: string, dataDir: string) => ({ url, dataDir, isEmbedded: true });
const given = (url: string) => ({ url, dataDir: "data", isEmbedded: false });

test.each([
  ["the daemon of ./data, which commands find by themselves", own("nats://127.0.0.1:4222", "./data"), ""],
  [
    "one of another directory, such as a demo's",
    own("nats://127.0.0.1:5511", "/tmp/x"),
    "--nats nats://127.0.0.1:5511",
  ],
  ["one on another NATS", given("nats://a:4222,nats://b:4222"), "--nats nats://a:4222,nats://b:4222"],
  [
    "one with a login, which is nobody else's",
    given("tls://u:p@a:4222,tls://u:p@b:4222"),
    "--nats tls://a:4222,tls://b:4222",
  ],
])("a copied command finds %s", (_which, { url, dataDir, isEmbedded }, place) => {
  expect(placeOfCommands(url, dataDir, isEmbedded)).toBe(place);
});
