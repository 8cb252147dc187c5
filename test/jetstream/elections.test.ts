import { readFileSync } from "node:fs";
import type { NatsConnection } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { watchElections } from "../../src/jetstream/elections.ts";

it("the user of the documented permissions may listen to all elections that are listened to", () => {
  const asked: string[] = [];
  const nc = { info: { cluster: "test" }, subscribe: (subject: string) => void asked.push(subject) };
  watchElections(nc as unknown as NatsConnection, ["ORDERS", "DECISIONS", "DEAD_LETTERS"], () => {});
  const config = readFileSync(new URL("../../docs/nats-secure.conf", import.meta.url), "utf8");
  const allowed = [...config.matchAll(/"(\$JS\.EVENT\.ADVISORY\.[^"]+)"/g)].map(([, subject = ""]) =>
    subject.split("."),
  );
  const isAllowed = (subject: string) => {
    const parts = subject.split(".");
    const fits = (pattern: string[]) =>
      pattern.length === parts.length && pattern.every((each, at) => each === "*" || each === parts[at]);
    return allowed.some(fits);
  };
  expect(asked.filter((subject) => !isAllowed(subject))).toEqual([]);
  expect(asked).toHaveLength(4);
});
