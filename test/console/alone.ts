import { createActivity } from "../../src/answers/activity.ts";
import { QueryError } from "../../src/answers/query-error.ts";
import { createQuestions } from "../../src/answers/questions.ts";
import type { HttpServerOptions } from "../../src/console/server.ts";
import { createWhole } from "../../src/members/whole.ts";
import { order } from "../store/order-book.ts";

const nobody = () => Promise.reject(new QueryError("no_answer", "nobody answers"));

/** What an HTTP server is made of that has every order, when nobody else is there. */
export function alone(queries: HttpServerOptions["queries"]): HttpServerOptions {
  return {
    ...{ host: "127.0.0.1", port: 0, types: [order], queries, activity: createActivity([order]) },
    questions: createQuestions(),
    whereabouts: () => "here",
    pastOf: () => undefined,
    isSettling: () => false,
    ownedPartitions: () => undefined,
    whole: createWhole({ owner: nobody, all: nobody, some: nobody, types: nobody }),
    daemons: () => [],
    inspections: { open: () => "elsewhere", count: () => 0, committed() {}, released() {} },
    async *inspectElsewhere() {},
    redrive: () => Promise.resolve({ outcome: "redriven", streamSequence: 1 }),
    release: () => undefined,
    metrics: () => Promise.resolve({ contentType: "text/plain", body: "" }),
    health: { live: () => true, ready: () => ({ ready: true, checks: {} }) },
  };
}
