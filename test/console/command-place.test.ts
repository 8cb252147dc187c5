import { expect, test } from "vitest";
import { placeOfCommands } from "../../src/console/command-place.ts";

test.each([
  ["the daemon of ./data, which commands find by themselves", "nats://127.0.0.1:4222", "./data", true, ""],
  [
    "one of another directory, such as a demo's",
    "nats://127.0.0.1:5511",
    "/tmp/x",
    true,
    "--nats nats://127.0.0.1:5511",
  ],
  ["one on another NATS", "nats://a:4222,nats://b:4222", "data", false, "--nats nats://a:4222,nats://b:4222"],
  [
    "one with a login, which is nobody else's",
    "tls://u:p@a:4222,tls://u:p@b:4222",
    "data",
    false,
    "--nats tls://a:4222,tls://b:4222",
  ],
])("a copied command finds %s", (_which, url, dataDir, isEmbedded, place) => {
  expect(placeOfCommands(url, dataDir, isEmbedded)).toBe(place);
});
