import { ServiceError } from "@nats-io/services";
import { expect, it } from "vitest";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { type Past, readPast } from "../../src/answers/find-actor.ts";
import { describePast, renderActor } from "../../src/cli/actors-text.ts";
import { createQueryClient } from "../../src/members/query-client.ts";
import { order } from "../store/order-book.ts";
import { asAsker, ask, book, start, useAnswers } from "./answering.ts";

useAnswers();

it("does not say of an order that there is none while its partition is still being read", async () => {
  await using _ = await start(undefined, { whereabouts: () => "catching_up" });
  expect((await ask("get.order-1003")).json()).toMatchObject({ orderId: "order-1003" });
  const answer = await ask("get.nobody");
  expect(ServiceError.toServiceError(answer)).toMatchObject({
    code: 503,
    message: expect.stringContaining("not here yet"),
  });
  const asked = createQueryClient(asAsker()).get(order, "nobody");
  await expect(asked).rejects.toMatchObject({
    problem: "catching_up",
    message: expect.stringContaining("ask again"),
  });
});

it("says with every answer that it is of the past, and of which time, while partitions are still being read", async () => {
  const asOf = "2026-03-01T00:00:00.060Z";
  const pastOf = (_: ActorType, id?: string): Past => ({
    ...{ catchingUp: true, asOf },
    ...(id === undefined && { catchingUpPartitions: [1, 3] }),
  });
  await using _ = await start(undefined, { whereabouts: () => "catching_up", pastOf });
  for (const question of ["get.order-1003", "history.order-1003"]) {
    const answer = (await ask(question)).json();
    expect(answer).toMatchObject({ orderId: "order-1003", catchingUp: true, asOf });
    expect(answer).not.toHaveProperty("catchingUpPartitions");
  }
  for (const question of ["list", "stats"]) {
    expect((await ask(question)).json()).toMatchObject({ catchingUp: true, asOf, catchingUpPartitions: [1, 3] });
  }
  const client = createQueryClient(asAsker());
  const list = await client.list(order, {}, 3);
  expect(list.past).toEqual({ catchingUp: true, asOf, catchingUpPartitions: [1, 3] });
  expect(list.past && describePast(list.past)).toBe(
    "of the past, as of 2026-03-01T00:00:00.060Z: partitions 1,3 are still being read, ask again",
  );
  expect((await client.quarantined(order)).past).toEqual(list.past);
  const one = await client.get(order, "order-1003");
  const past = one && readPast(one);
  expect(past && describePast(past)).toBe(
    "of the past, as of 2026-03-01T00:00:00.060Z: its partition is still being read, ask again",
  );
  expect(one && renderActor(order, one).join("\n")).not.toContain("asOf");
});

it("says of a list that a later page of it is of the past", async () => {
  let asked = 0;
  const pastOf = (): Past | undefined =>
    ++asked === 1 ? undefined : { catchingUp: true, asOf: null, catchingUpPartitions: [2] };
  // A page looks at a bounded number of rows.
  const queries: typeof book.queries = {
    ...book.queries,
    list: (type, filter) => book.queries.list(type, { ...filter, limit: 2 }),
  };
  await using _ = await start(undefined, { queries, pastOf });
  const { actors, past } = await createQueryClient(asAsker()).list(order, {}, 4);
  expect(actors).toHaveLength(4);
  expect(past).toEqual({ catchingUp: true, asOf: null, catchingUpPartitions: [2] });
});

it("says of a retired order that it is, and the asker tells that apart from an order nobody has heard of", async () => {
  const retired = {
    status: "kept",
    retiredAt: "2026-06-01T00:00:00Z",
    lastUpdated: "2026-03-01T00:00:00Z",
    version: 5,
    revision: 2,
    parked: 0,
  } as const;
  const queries: typeof book.queries = { ...book.queries, retired: (_, id) => (id === "old" ? retired : undefined) };
  await using _ = await start(undefined, { queries });
  const answer = await ask("get.old");
  expect(ServiceError.toServiceError(answer)).toMatchObject({
    code: 410,
    message: expect.stringMatching(/^order old is retired since 2026-06-01T00:00:00Z: 5 events, .* revision 2/),
  });
  expect(answer.json()).toMatchObject({ error: { code: "retired" } });
  const client = createQueryClient(asAsker());
  await expect(client.history(order, "old")).rejects.toMatchObject({ problem: "retired" });
  expect(await client.get(order, "nobody")).toBeUndefined();
});
