import { match, throws } from "node:assert";
import { registerHooks } from "node:module";
import { it } from "node:test";

/* `natstate/testing` in Node's own test runner, and what it loads. */

const loaded: string[] = [];
registerHooks({
  resolve(name, context, next) {
    const found = next(name, context);
    loaded.push(found.url);
    return found;
  },
});
const { converges, given, replay } = await import("../../src/testing/testing.ts");
const { typeOf, WRONG_MACHINES } = await import("./wrong-machines.ts");
const type = typeOf(WRONG_MACHINES["an event leads to a state"] as never);

it("a specification that holds, returned as it is", () =>
  given(type, [{ eventType: "Paid", amount: 3 }]).then({ state: "paid" }) as never);

it("one that does not shows what was found and what was expected", () => {
  const wrong = () => given(type, [{ eventType: "Paid", amount: 3 }]).then({ state: "open" });
  throws(wrong, { code: "ERR_ASSERTION", actual: { state: "paid" }, expected: { state: "open" } });
  throws(() => converges(type), /does not converge/);
  throws(() => replay(type, "no-such-file.json"), /no-such-file.json/);
});

it("neither NATS nor SQLite nor anything else of the daemon's is loaded", () => {
  const packages = [...new Set(loaded.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []))];
  match(packages.sort().join(), /^canonicalize,fast-check,json-schema-faker,(lru-cache,)?(pure-rand,)?xstate,zod$/);
});
