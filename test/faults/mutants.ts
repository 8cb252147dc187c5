import { parseArgs } from "node:util";
import { runMutants } from "../mutants.ts";
import { MUTANTS } from "./mutant-list.ts";

/*
 * `npm run faults:mutants [-- --only NAME]`: is the harness able to fail? Each mutant is natstate with one line broken;
 * the fault named must notice it. Exit code 1 when one survives.
 */

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, seed: { type: "string", default: "1" } },
});
runMutants(
  MUTANTS.filter(({ name }) => name.includes(values.only)),
  {
    parts: ["src", "machines", "test", "package.json", "nats.conf"],
    commandOf: ({ fault }) => ["test/faults/main.ts", "--seed", values.seed, "--only", fault],
    reasonIn: (stderr) => stderr.split("\n")[1] ?? "",
  },
);
