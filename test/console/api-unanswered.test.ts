import { describe, expect, it } from "vitest";
import { createQuestions } from "../../src/answers/questions.ts";
import type { Sources } from "../../src/console/sources.ts";
import { order } from "../store/order-book.ts";
import { refusal, useApi } from "./api-over-orders.ts";

const api = useApi();

it("every answer says when it is of the past", async () => {
  const asOf = api.book.queries.asOf(order, [3]);
  expect(asOf).not.toBeNull();
  const pastOf = (_: unknown, id?: string) => ({
    ...{ catchingUp: true as const, asOf },
    ...(id === undefined && { catchingUpPartitions: [3] }),
  });
  await using behind = await api.listen({ pastOf });
  expect(await api.ask("/api/dead-letters/10002", {}, behind)).toMatchObject({ status: 200, body: { body: "{" } });
  expect(await api.ask("/api/dead-letters/1", {}, behind), "it may come yet").toEqual({
    status: 503,
    body: refusal("unavailable", "dead letter '1' is not here yet"),
  });
  expect(await api.ask("/api/dead-letters/x", {}, behind), "nobody's").toMatchObject({ status: 404 });
  const orders = "/api/orders/A:b_c-1";
  for (const path of [orders, `${orders}/history`, `${orders}/steps`, `${orders}/next`]) {
    expect((await api.ask(path, {}, behind)).body, path).toMatchObject({ orderId: "A:b_c-1", catchingUp: true, asOf });
    expect((await api.ask(path)).body, path).not.toHaveProperty("catchingUp");
  }
  for (const path of ["/api/orders", "/api/stats", "/api/dead-letters", "/api/quarantine"]) {
    expect((await api.ask(path, {}, behind)).body, path).toMatchObject({ catchingUpPartitions: [3], asOf });
    expect((await api.ask(path)).body, path).not.toHaveProperty("catchingUp");
  }
});

it("more questions at once than can wait are refused, to be asked again", async () => {
  await using crowded = await api.listen({ questions: createQuestions({ maxWaiting: 0 }) });
  const refused = await fetch(`${crowded.url}/api/orders/A:b_c-1`);
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await refused.json()).toEqual(refusal("unavailable", "too many questions at once"));
  expect((await fetch(`${crowded.url}/livez`)).status).toBe(200);
});

it("a retired order is gone, and not unknown: the answer says what is left of it", async () => {
  const retired = { orderId: "old", status: "lost", version: 5, revision: 2, parked: 0 } as const;
  const times = { retiredAt: "2026-06-01T00:00:00Z", lastUpdated: "2026-03-01T00:00:00Z" };
  const queries: Sources["queries"] = {
    ...api.book.queries,
    retired: (_, id) => (id === "old" ? { ...retired, ...times } : undefined),
  };
  await using other = await api.listen({ queries });
  for (const path of ["", "/history", "/steps", "/next"]) {
    expect(await api.ask(`/api/orders/old${path}`, {}, other)).toMatchObject({
      status: 410,
      body: { error: { code: "retired", message: expect.stringContaining("order old is retired since") }, retired },
    });
  }
  expect((await api.ask("/api/orders/nobody", {}, other)).status).toBe(404);
});

it("a question that fails inside says nothing of the inside, and is told to the daemon", async () => {
  const failures: string[] = [];
  const queries: Sources["queries"] = {
    ...api.book.queries,
    get() {
      throw new Error("/secret/path is corrupt");
    },
  };
  const onError = (error: Error, path: string) => failures.push(`${path}: ${error.message}`);
  await using broken = await api.listen({ queries, onError });
  const answer = await api.ask("/api/orders/x", {}, broken);
  expect(answer).toEqual({ status: 500, body: refusal("internal", "failed inside natstate") });
  expect(JSON.stringify(answer)).not.toContain("secret");
  expect(failures).toEqual(["/api/orders/x: /secret/path is corrupt"]);
});

describe("an order of another daemon's partition, or of one that is not yet read", () => {
  const id = "A:b_c-1";

  it.each(["", "/history", "/steps", "/next"])(
    "%s of what another daemon has is not answered with what is here, whoever that is",
    async (path) => {
      await using there = await api.listen({ whereabouts: () => "elsewhere" });
      const answer = await api.ask(`/api/orders/${id}${path}`, {}, there);
      expect(answer).toEqual({ status: 503, body: refusal("unavailable", "nobody answers") });
    },
  );

  it("what is not here yet is not said not to be", async () => {
    await using there = await api.listen({ whereabouts: () => "catching_up" });
    expect(await api.ask("/api/orders/nobody", {}, there)).toEqual({
      status: 503,
      body: refusal("unavailable", "ask again"),
    });
    expect(await api.ask(`/api/orders/${id}`, {}, there)).toMatchObject({ status: 200 });
  });
});
