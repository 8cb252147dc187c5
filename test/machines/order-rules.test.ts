import { describe, expect, test } from "vitest";
import { createActor } from "xstate";
import { orderEvents } from "../../machines/order/events.ts";
import { orderMachine } from "../../machines/order/machine.ts";
import { at, COLD, created, having, paid, reserved, rewarded, run, shipped } from "./order-driver.ts";

/* docs/order.md, rule by rule. `paid(3, ...)` is an event whose own time is 3 s; the argument order is arrival. */

const nothing = { reservedItems: {} };
const zeros = { reservedItems: { "sku-1": 0, "sku-2": 0 } };
const some = { reservedItems: { "sku-1": 0, "sku-2": 1 } };
const fromWest = { decisionType: "OrderConfirmed", warehouseId: "warehouse-west", estimatedDays: 5 };
const rejected = { decisionType: "OrderRejected", reason: "Payment failed" };

describe("a facet", () => {
  test("takes the newest event by its own time, whichever arrives last", () => {
    expect(having(paid(5, "successful"), paid(3, "failed")).view.paymentInfo?.status).toBe("successful");
    expect(having(paid(3, "failed"), paid(5, "successful")).view.paymentInfo?.status).toBe("successful");
    expect(having(shipped(5, 2), shipped(4, 9)).view.shippingInfo?.estimatedDays).toBe(2);
    expect(having(rewarded(5, 70), rewarded(4, 90)).view.loyaltyInfo?.totalPoints).toBe(70);
    expect(having(reserved(5, nothing), reserved(4)).view.inventoryStatus?.reservedItems).toEqual({});
  });

  test("gives equal times to the greater event id", () => {
    const [a, b] = [paid(3, "failed", "a"), paid(3, "successful", "b")];
    expect(having(a, b).context.payment?.eventId).toBe("b");
    expect(having(b, a).context.payment?.eventId).toBe("b");
  });

  test("tells nanoseconds apart", () => {
    const early = { ...paid(3, "failed", "z"), timestamp: "2026-01-01T10:00:03.000000001Z" };
    const late = { ...paid(3, "successful", "a"), timestamp: "2026-01-01T10:00:03.000000002Z" };
    expect(having(late, early).context.payment?.eventId).toBe("a");
  });

  test("is replaced as a whole: an absent field of the newer event does not keep the older one's value", () => {
    const older = { ...paid(3, "failed"), data: { amount: 1, status: "failed" as const, transactionId: "tx-1" } };
    expect(having(older as ReturnType<typeof paid>, paid(4, "successful")).view.paymentInfo?.transactionId).toBeNull();
  });

  test("of the customer takes the earliest creation: an order is created once", () => {
    const first = created(1, { customerId: "first" });
    const second = created(2, { customerId: "second" });
    for (const order of [having(first, second), having(second, first)]) {
      expect(order.view.customerInfo?.customerId).toBe("first");
      expect(order.view.createdAt).toBe(at(1));
    }
  });

  test("of the customer gives equal times to the greater event id as well", () => {
    const [a, b] = [created(1, { customerId: "first" }, "a"), created(1, { customerId: "second" }, "b")];
    expect(having(a, b).context.customer?.eventId).toBe("b");
    expect(having(b, a).context.customer?.eventId).toBe("b");
  });

  test("stays the very object it was when an event loses: that is how a superseded event is recognised", () => {
    const actor = createActor(orderMachine).start();
    actor.send(paid(5, "failed"));
    const { payment } = actor.getSnapshot().context;
    actor.send(paid(3, "successful"));
    actor.send(paid(5, "failed"));
    expect(actor.getSnapshot().context.payment).toBe(payment);
  });
});

describe("the same event twice", () => {
  test("has one effect", () => {
    expect(having(created(0), created(0))).toEqual(having(created(0)));
  });

  test("has one effect however far apart, even after a newer one of its kind", () => {
    const story = [paid(3, "failed"), reserved(1), paid(9, "successful"), shipped(4, 3)];
    const heardAgain = run([...story, paid(3, "failed"), reserved(1)], COLD);
    expect(heardAgain).toEqual(run(story));
    expect(heardAgain.revisions).toHaveLength(3);
  });
});

describe("the state", () => {
  test("is pending before anything is known, and while the creation is not", () => {
    expect(having().state).toBe("pending");
    expect(having(shipped(3, 3), rewarded(4), reserved(2)).state).toBe("pending");
    expect(having(paid(1, "pending"), reserved(2)).state).toBe("pending");
  });

  test("is processing once created and undecided", () => {
    expect(having(created(0)).state).toBe("processing");
    expect(having(created(0), paid(1, "pending"), reserved(2)).state).toBe("processing");
    expect(having(created(0), paid(1, "successful")).state).toBe("processing");
    expect(having(created(0), paid(1, "successful"), reserved(2, nothing)).state).toBe("processing");
    expect(having(created(0), paid(1, "successful"), reserved(2, zeros)).state).toBe("processing");
    expect(having(created(0), paid(1, "successful"), reserved(2, zeros)).conclusion.content).toBeNull();
  });

  test("is payment_failed when the winning payment failed, whatever else is known", () => {
    expect(having(paid(1, "failed")).state).toBe("payment_failed");
    expect(having(created(0), paid(1, "failed"), reserved(2)).state).toBe("payment_failed");
  });

  test("is confirmed when paid and reserved, even if the creation is not known", () => {
    expect(having(paid(1, "successful"), reserved(2)).state).toBe("confirmed");
    expect(having(paid(1, "successful"), reserved(2, some)).state).toBe("confirmed");
    expect(having(created(0), reserved(2), paid(1, "successful")).state).toBe("confirmed");
  });

  test("stays payment_failed when the creation arrives late (the article sets it back to processing)", () => {
    expect(having(paid(1, "failed"), created(0)).state).toBe("payment_failed");
    expect(having(paid(1, "successful"), reserved(2), created(0)).state).toBe("confirmed");
  });

  test("leaves payment_failed for where the facets now point", () => {
    expect(having(paid(1, "failed"), reserved(2), paid(3, "successful")).state).toBe("confirmed");
    expect(having(paid(1, "failed"), created(0), paid(3, "successful")).state).toBe("processing");
    expect(having(paid(1, "failed"), created(0), paid(3, "pending")).state).toBe("processing");
    expect(having(paid(1, "failed"), paid(3, "pending")).state).toBe("pending");
  });

  test("leaves confirmed for where the facets now point", () => {
    const confirmed = [paid(1, "successful"), reserved(2)];
    expect(having(...confirmed, paid(3, "failed")).state).toBe("payment_failed");
    expect(having(...confirmed, created(0), reserved(3, nothing)).state).toBe("processing");
    expect(having(...confirmed, paid(3, "pending")).state).toBe("pending");
    expect(having(...confirmed, reserved(3, nothing)).state).toBe("pending");
  });
});

describe("the decision", () => {
  test("waits for both payment and inventory", () => {
    expect(having(created(0), paid(1, "successful"), shipped(3, 3)).conclusion.content).toBeNull();
    expect(having(created(0), paid(1, "failed")).conclusion.content).toBeNull();
    expect(having(created(0), reserved(2), shipped(3, 3)).conclusion.content).toBeNull();
  });

  test("rejects a failed payment, even with nothing reserved", () => {
    expect(having(paid(1, "failed"), reserved(2)).conclusion.content).toEqual(rejected);
    expect(having(paid(1, "failed"), reserved(2, nothing)).conclusion.content).toEqual(rejected);
  });

  test("confirms a successful payment with something reserved, for the warehouse, within 5 days by default", () => {
    expect(having(paid(1, "successful"), reserved(2)).conclusion.content).toEqual(fromWest);
  });

  test("promises shipping's days once they are known, 0 included", () => {
    expect(having(shipped(3, 3), paid(1, "successful"), reserved(2)).conclusion.content?.estimatedDays).toBe(3);
    expect(having(shipped(3, 0), paid(1, "successful"), reserved(2)).conclusion.content?.estimatedDays).toBe(0);
  });

  test("is none while the payment is pending or nothing is reserved", () => {
    expect(having(paid(1, "pending"), reserved(2)).conclusion.content).toBeNull();
    expect(having(paid(1, "successful"), reserved(2, nothing)).conclusion.content).toBeNull();
  });

  test("is decided at the latest time among the facets it rests on", () => {
    expect(having(paid(7, "successful"), reserved(2)).conclusion.decidedAt).toBe(at(7));
    expect(having(paid(1, "successful"), reserved(8)).conclusion.decidedAt).toBe(at(8));
    expect(having(paid(1, "successful"), reserved(2), shipped(9, 3)).conclusion.decidedAt).toBe(at(9));
    expect(having(paid(1, "failed"), reserved(2), shipped(9, 3)).conclusion.decidedAt).toBe(at(2));
    expect(having(paid(1, "successful"), reserved(2), created(9), rewarded(9)).conclusion.decidedAt).toBe(at(2));
  });

  test("names the events it rests on", () => {
    const { conclusion } = having(paid(1, "successful"), reserved(2), shipped(9, 3), rewarded(4), paid(0, "failed"));
    expect(conclusion.basedOn).toEqual(["p1", "i2", "s9"]);
    expect(having(paid(1, "failed"), reserved(2), shipped(9, 3)).conclusion.basedOn).toEqual(["p1", "i2"]);
    expect(having(paid(1, "failed")).conclusion).toEqual({ content: null, basedOn: [], decidedAt: null });
  });

  test("that stops following still says on which facts, and when", () => {
    const { conclusion } = having(paid(1, "successful"), reserved(2), reserved(6, nothing));
    expect(conclusion).toEqual({ content: null, basedOn: ["p1", "i6"], decidedAt: at(6) });
  });
});

describe("a new revision", () => {
  const confirmed = [created(0), paid(1, "successful"), reserved(2)];

  test("is due when type, warehouse, days or reason change", () => {
    expect(having(...confirmed, shipped(3, 3)).revisions).toEqual([fromWest, { ...fromWest, estimatedDays: 3 }]);
    expect(having(...confirmed, reserved(3, { warehouseId: "warehouse-east" })).revisions).toEqual([
      fromWest,
      { ...fromWest, warehouseId: "warehouse-east" },
    ]);
    expect(having(...confirmed, paid(3, "failed")).revisions).toEqual([fromWest, rejected]);
    expect(having(paid(1, "failed"), reserved(2), paid(3, "successful")).revisions).toEqual([rejected, fromWest]);
  });

  test("is due when the decision stops following, and again when it follows once more", () => {
    const withdrawn = having(...confirmed, reserved(3, nothing), reserved(4));
    expect(withdrawn.revisions).toEqual([fromWest, null, fromWest]);
    expect(having(paid(1, "failed"), reserved(2), paid(3, "pending")).revisions).toEqual([rejected, null]);
  });

  test("is not due when other facts change", () => {
    const { revisions } = having(
      ...confirmed,
      rewarded(3),
      created(-1),
      shipped(4, 5),
      paid(5, "successful"),
      reserved(6, { reservedItems: { "sku-1": 1, "sku-2": 4 } }),
      paid(0, "failed"),
    );
    expect(revisions).toEqual([fromWest]);
  });

  test("is not due for a number that JSON cannot write: -0 days are 0 days", () => {
    const { estimatedDays } = orderEvents.ShippingCalculated.parse(
      JSON.parse('{"shippingCost": 0, "estimatedDays": -0}'),
    );
    expect(run([...confirmed, shipped(3, estimatedDays), rewarded(4)], COLD).revisions).toHaveLength(2);
  });
});

describe("completeness", () => {
  test("is the share of known facets in percent", () => {
    const story = [created(0), paid(1, "pending"), reserved(2, nothing), shipped(3, 3), rewarded(4)];
    const shares = [0, 1, 2, 3, 4, 5].map((known) => having(...story.slice(0, known)).completeness);
    expect(shares).toEqual([0, 20, 40, 60, 80, 100]);
    expect(having(paid(1, "failed"), paid(2, "successful")).completeness).toBe(20);
  });

  test("comes with the event types still waited for, in the order of an order's life", () => {
    expect(having().waitingFor).toEqual([
      "OrderCreated",
      "PaymentProcessed",
      "InventoryReserved",
      "ShippingCalculated",
      "LoyaltyPointsUpdated",
    ]);
    expect(having(reserved(2), created(0), rewarded(4)).waitingFor).toEqual(["PaymentProcessed", "ShippingCalculated"]);
  });
});

describe("the view", () => {
  test("has the article's names, and null where nothing is known", () => {
    expect(having(created(0), reserved(2), shipped(3, 3), rewarded(4), paid(1, "successful")).view).toEqual({
      createdAt: at(0),
      customerInfo: { customerId: "customer-456", orderAmount: 99.99, currency: "USD", receivedAt: at(0) },
      paymentInfo: { transactionId: null, status: "successful", amount: 99.99, method: null, processedAt: at(1) },
      inventoryStatus: { reservedItems: { "sku-1": 2 }, warehouseId: "warehouse-west", reservedAt: at(2) },
      shippingInfo: { cost: 10, estimatedDays: 3, calculatedAt: at(3) },
      loyaltyInfo: { pointsEarned: 10, totalPoints: 100, tierStatus: "gold", updatedAt: at(4) },
    });
    expect(Object.values(having().view)).toEqual([null, null, null, null, null, null]);
  });
});

describe("the article's own scenario", () => {
  test("out of order: everything is captured and one decision is taken", () => {
    const order = having(paid(2, "successful"), shipped(3, 3), created(0), reserved(1));
    expect(order.revisions).toEqual([{ ...fromWest, estimatedDays: 3 }]);
    expect(order.state).toBe("confirmed");
    expect(order.completeness).toBe(80);
    expect(order.conclusion.decidedAt).toBe(at(3));
  });
});
