import { join } from "node:path";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import { partitions } from "./partitions.ts";
import { openWorld, traffic } from "./world.ts";

it("two daemons share the partitions; when one is killed the other goes on where the log says", async () => {
  await using world = await openWorld();
  const messages = traffic(400, 41);
  const half = messages.length / 2;
  const first = await world.start({ NATSTATE_DATA: join(world.dataDir, "first") });
  expect(await partitions(first)).toBe(16);
  const published = world.publish(messages.slice(0, half));
  const second = await world.start({ NATSTATE_DATA: join(world.dataDir, "second") });
  await until("half each", async () => (await partitions(first)) === 8 && (await partitions(second)) === 8);
  await published;
  const heard = messages.slice(0, half).filter(({ rejectedAs }) => rejectedAs === undefined);
  const ids = [...new Set(heard.flatMap(({ actorId }) => actorId ?? []))];
  const statuses = (id: string) =>
    Promise.all([first, second].map(async ({ httpUrl }) => (await fetch(`${httpUrl}/api/orders/${id}`)).status));
  // The first has rows of all, of the past where the other one reads on; that one has to read them all first. Nothing
  // more arrives: what went to the former owner instead would come again after 30 s, and a pin of it last for 5.
  await until(
    "each order is answered by both",
    async () => {
      // A daemon refuses those of more than 256 questions that wait at once.
      const answers: number[][] = [];
      for (let from = 0; from < ids.length; from += 100) {
        answers.push(...(await Promise.all(ids.slice(from, from + 100).map(statuses))));
      }
      expect(answers.flat(), "no order is denied meanwhile").not.toContain(404);
      return answers.flat().every((status) => status === 200);
    },
    // Takes 0.5 s on a machine of its own.
    20_000,
  );
  await first.kill9();
  await world.publish(messages.slice(half));
  await until("the other has taken over", async () => (await partitions(second)) === 16, 10_000);
  await world.settle(second);
  await world.check(second, messages);
}, 180_000);
