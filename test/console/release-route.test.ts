import { expect, it } from "vitest";
import type { Released } from "../../src/answers/quarantine.ts";
import type { RetiredAnswer } from "../../src/answers/queries.ts";
import { openTarget, readPageToken } from "./target.ts";

it("the page, and nobody else's, releases a quarantined order; of any other it is said why not, as over NATS", async () => {
  await using target = await openTarget();
  const asked: string[] = [];
  const retired: RetiredAnswer = {
    ...{ status: "kept", retiredAt: "2026-03-01T00:00:00.000Z", lastUpdated: "2026-02-01T00:00:00.000Z" },
    ...{ version: 3, revision: 1, parked: 0 },
  };
  const server = await target.listen({
    queries: { ...target.queries, retired: (_type, id) => (id === "gone" ? retired : undefined) },
    whereabouts: (_type, id) => (id === "theirs" ? "elsewhere" : id === "unread" ? "catching_up" : "here"),
    release(_type, id) {
      asked.push(id);
      return id === "o-1" ? ({ released: true, applied: 2 } as Released) : undefined;
    },
  });
  try {
    const token = await readPageToken(server);
    const release = async (id: string, headers: Record<string, string> = {}) => {
      const init = { method: "POST", headers: { "content-type": "application/json", ...headers }, body: "{}" };
      const response = await fetch(`${server.url}/api/orders/${id}/release`, init);
      return { status: response.status, body: await response.json() };
    };
    expect(await release("o-1")).toMatchObject({ status: 403 });
    expect(await release("o-1", { "x-natstate-token": token, origin: "http://evil.example" })).toMatchObject({
      status: 403,
    });
    expect(asked).toEqual([]);
    const own = { "x-natstate-token": token };
    expect(await release("o-1", own)).toEqual({ status: 200, body: { released: true, applied: 2 } });
    expect(await release("o-9", own)).toMatchObject({ status: 404 });
    expect(await release("theirs", own)).toMatchObject({ status: 503 });
    expect(await release("gone", own)).toMatchObject({
      status: 410,
      body: { error: { code: "retired", message: expect.stringMatching(/^order gone is retired since /) }, retired },
    });
    expect(await release("unread", own)).toMatchObject({ status: 503 });
    expect(asked).toEqual(["o-1", "o-9", "gone", "unread"]);
  } finally {
    await server.close();
  }
});
