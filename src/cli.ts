import { readFileSync } from "node:fs";
import { Command } from "commander";
import { actorTypes } from "../machines/registry.ts";
import { addActorReads } from "./cli/actors.ts";
import { withExamples } from "./cli/arguments.ts";
import { addBackup } from "./cli/backup.ts";
import { addConfig } from "./cli/config.ts";
import { addDeadLetters } from "./cli/dead-letters.ts";
import { addDoctor } from "./cli/doctor.ts";
import { EXIT_CODES, explain } from "./cli/exit-codes.ts";
import { addHealth } from "./cli/health.ts";
import { addInspect } from "./cli/inspect.ts";
import { addMachine } from "./cli/machine.ts";
import { onClosedPipe, say } from "./cli/output.ts";
import { addPublish } from "./cli/publish.ts";
import { addQuarantine } from "./cli/quarantine.ts";
import { addRebuild } from "./cli/rebuild.ts";
import { addDemo, addSimulate } from "./cli/rehearsal.ts";
import { addSchema } from "./cli/schema.ts";
import { addStart } from "./cli/start.ts";
import { addTop } from "./cli/top.ts";
import { addVerify } from "./cli/verify.ts";
import { addWatch } from "./cli/watch.ts";

/** Every command of `natstate`. */
function createProgram(): Command {
  const { version, description } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
    description: string;
  };
  const program = new Command("natstate")
    .description(description)
    .version(version)
    .showHelpAfterError("(npx natstate <command> --help says more)")
    .exitOverride();
  addStart(program, actorTypes);
  addDemo(program);
  addSimulate(program, actorTypes);
  addPublish(program, actorTypes);
  addActorReads(program, actorTypes);
  addWatch(program, actorTypes);
  addTop(program, actorTypes);
  addInspect(program, actorTypes);
  addHealth(program, actorTypes);
  addDeadLetters(program, actorTypes);
  addQuarantine(program, actorTypes);
  addDoctor(program, actorTypes);
  addVerify(program, actorTypes);
  addBackup(program, actorTypes);
  addRebuild(program, actorTypes);
  addConfig(program);
  addMachine(program, actorTypes);
  addSchema(program, actorTypes);
  const codes = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${code}  ${meaning}`);
  program.addHelpText("after", `\nExit codes:\n${codes.join("\n")}`);
  return withExamples(program, [
    ["npx natstate start", "run the daemon, data in ./data"],
    [`npx natstate publish my-1 PaymentProcessed '{"amount":20,"status":"successful"}'`, "one event"],
    ["npx natstate get ORD-1001", "one order"],
    ["npx natstate list --state payment_failed", "orders by state"],
    ["npx natstate watch", "decisions as they are published"],
    ["npx natstate dead-letters list", "what could not be read"],
  ]);
}

onClosedPipe(() => process.exit());
try {
  await createProgram().parseAsync();
} catch (error) {
  const { code, message } = explain(error);
  if (message !== null) say(`natstate: ${message}`);
  // Not only exitCode: whatever a failure has left open must not keep the process.
  process.exit(code);
}
