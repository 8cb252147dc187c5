import { parseArgs } from "node:util";
import { runMutants } from "../mutants.ts";
import { REPLAY_MUTANTS } from "./replay-mutants.ts";
import { STEP_MUTANTS } from "./step-mutants.ts";

/*
 * `npm run soak:mutants [-- --only NAME --machines N]`: is the soak able to fail? Each mutant is the host with one small
 * rule broken; the soak must notice it. Exit code 1 when one survives.
 */

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, machines: { type: "string", default: "3000" } },
});
runMutants(
  [...STEP_MUTANTS, ...REPLAY_MUTANTS]
    .filter(({ name }) => name.includes(values.only))
    .map((each) => ({ ...each, file: `src/flow/hosts/${each.file}` })),
  {
    parts: ["src/actor", "src/flow", "test/hosting", "package.json"],
    commandOf: () => ["test/hosting/soak.ts", "--quick", "--machines", values.machines],
    reasonIn(stderr) {
      if (!stderr.includes("ends otherwise")) throw new Error(`the soak did not run: ${stderr}`);
      return stderr.split(". ")[0] ?? "";
    },
  },
);
