import type { ConsumerInfo, StreamInfo } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { examineConsumerLeaders, examineReplicas } from "../../src/care/examine-replicas.ts";

type Peer = {
  readonly offline?: boolean;
  readonly current?: boolean;
  readonly lag?: number;
  readonly activeMs?: number;
};

/** Led by n1. @param peers - n2, n3 and so on. */
function stream(name: string, ...peers: readonly Peer[]): StreamInfo {
  const replicas = peers.map(({ offline = false, current = true, lag = 0, activeMs = 100 }, index) => ({
    ...{ name: `n${index + 2}`, offline, current, lag, active: activeMs * 1_000_000 },
  }));
  return {
    config: { name, num_replicas: peers.length + 1 },
    cluster: { leader: "n1", replicas },
  } as unknown as StreamInfo;
}

const consumer = (name: string, leader?: string) => ({ name, cluster: { leader } }) as unknown as ConsumerInfo;

it("servers that have everything are well, and who leads is said", () => {
  expect(examineReplicas([stream("ORDERS", {}, {}), stream("DECISIONS", {}, {})])).toMatchObject({
    level: "ok",
    detail: expect.stringContaining("ORDERS led by n1, DECISIONS led by n1"),
  });
  expect(examineReplicas([stream("ORDERS")])).toMatchObject({ level: "ok", detail: "one of every stream" });
});

it("a server that is away is named, with what hangs on the others and what to do", () => {
  const finding = examineReplicas([
    stream("ORDERS", { offline: true, current: false, lag: 12 }, {}),
    stream("D", {}, {}),
  ]);
  expect(finding).toMatchObject({
    level: "warning",
    detail: "n2 is away: ORDERS by 12; 2 of 3 are left, should one more go nothing is read or stored",
    advice: expect.stringMatching(/^start n2;.*empty store.*peer-remove$/),
  });
});

it("a server that its leaders have not heard of for long is away, before the cluster says so", () => {
  const finding = examineReplicas([stream("ORDERS", { current: false, lag: 60, activeMs: 9000 }, {})]);
  expect(finding).toMatchObject({ detail: expect.stringMatching(/^n2 is away: ORDERS by 60; 2 of 3/) });
});

it("a server that no leader has heard of since it was elected is away: the one that led them all", () => {
  const finding = examineReplicas([stream("ORDERS", { current: false, lag: 52, activeMs: 0 }, {})]);
  // The 52 are all that its leader ever had.
  expect(finding).toMatchObject({ detail: expect.stringMatching(/^n2 is away: ORDERS; 2 of 3/) });
});

it("a server whose name nobody knows is named by its peer id, as peer-remove takes it", () => {
  const name = "Server name unknown at this time (peerID: fjFyEjc1)";
  const unknown = { name, offline: true, current: false, active: 0 };
  const cluster = { leader: "n1", replicas: [unknown, { name: "n2", current: true, active: 1 }] };
  const finding = examineReplicas([{ config: { name: "ORDERS", num_replicas: 3 }, cluster } as unknown as StreamInfo]);
  expect(finding).toMatchObject({
    detail: expect.stringMatching(/^the server with the peer id fjFyEjc1 is away: ORDERS; 2 of 3/),
    advice: expect.stringMatching(/^start the server with the peer id fjFyEjc1;/),
  });
});

it("a server that catches up is to be waited for; with five servers one may go", () => {
  const finding = examineReplicas([stream("ORDERS", {}, { current: false, lag: 3500 }, {}, {})]);
  expect(finding).toMatchObject({
    level: "warning",
    detail: "n3 is behind with ORDERS by 3500",
    advice: expect.stringMatching(/^wait/),
  });
});

it("without a majority, or a leader, nothing is read or stored", () => {
  const gone = { offline: true, current: false, activeMs: 60_000 };
  expect(examineReplicas([stream("ORDERS", gone, gone)])).toMatchObject({
    level: "problem",
    detail: expect.stringContaining("ORDERS"),
  });
});

it("consumers are counted by who leads them; one without a leader is a problem", () => {
  expect(
    examineConsumerLeaders([consumer("orders-0", "n2"), consumer("orders-1", "n1"), consumer("orders-2", "n2")]),
  ).toMatchObject({ level: "ok", detail: "n1 leads 1, n2 leads 2" });
  expect(examineConsumerLeaders([consumer("orders-0", "n2"), consumer("orders-1")])).toMatchObject({
    level: "problem",
    detail: "orders-1 has no leader: nothing is read",
  });
});
