import { expect, it } from "vitest";
import { exportHistory, HISTORY_FORMAT, readExportedHistory } from "../../src/answers/history-export.ts";

it("a history comes back from its file as it was; what is none is refused by the field that says so", () => {
  const history = { orderId: "A-1", total: 0, events: [], decisions: [] };
  const exported = exportHistory({ name: "order" }, "A-1", { state: "pending" }, history);
  expect(readExportedHistory(JSON.stringify(exported))).toEqual(exported);
  expect(() => readExportedHistory(JSON.stringify(history))).toThrow(`format: expected ${HISTORY_FORMAT}, found`);
  const without = { ...exported, events: undefined };
  expect(() => readExportedHistory(JSON.stringify(without))).toThrow("events: expected an array");
});
