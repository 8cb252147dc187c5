import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { ActorType } from "./actor/actor-type.ts";
import { exampleNames, withExamples } from "./cli/arguments.ts";
import { EXIT_CODES, explain } from "./cli/exit-codes.ts";
import { loadActorTypes, takeActors } from "./cli/load-actor-types.ts";
import { onClosedPipe, say } from "./cli/output.ts";
import { endWithStarter } from "./cli/starter.ts";

const loadTypes = (): Promise<readonly ActorType[]> => loadActorTypes(process.argv.slice(2), process.env);

/** Each command's modules are loaded when it is the one that was asked for: loading all of them takes half a second. */
const COMMANDS: ReadonlyArray<readonly [names: string, add: (program: Command) => Promise<void>]> = [
  ["start", async (program) => (await import("./cli/start.ts")).addStart(program, await loadTypes())],
  ["demo", async (program) => (await import("./cli/rehearsal.ts")).addDemo(program, await loadTypes())],
  ["simulate", async (program) => (await import("./cli/rehearsal.ts")).addSimulate(program, await loadTypes())],
  ["publish", async (program) => (await import("./cli/publish.ts")).addPublish(program, await loadTypes())],
  [
    "get history list stats",
    async (program) => (await import("./cli/actors.ts")).addActorReads(program, await loadTypes()),
  ],
  ["watch", async (program) => (await import("./cli/watch.ts")).addWatch(program, await loadTypes())],
  ["top", async (program) => (await import("./cli/top.ts")).addTop(program, await loadTypes())],
  ["inspect", async (program) => (await import("./cli/inspect.ts")).addInspect(program, await loadTypes())],
  ["health", async (program) => (await import("./cli/health.ts")).addHealth(program, loadTypes)],
  [
    "dead-letters",
    async (program) => (await import("./cli/dead-letters.ts")).addDeadLetters(program, await loadTypes()),
  ],
  ["quarantine", async (program) => (await import("./cli/quarantine.ts")).addQuarantine(program, await loadTypes())],
  ["doctor", async (program) => (await import("./cli/doctor.ts")).addDoctor(program, await loadTypes())],
  ["verify", async (program) => (await import("./cli/verify.ts")).addVerify(program, await loadTypes())],
  ["backup", async (program) => (await import("./cli/backup.ts")).addBackup(program, await loadTypes())],
  ["rebuild", async (program) => (await import("./cli/rebuild.ts")).addRebuild(program, await loadTypes())],
  ["config", async (program) => (await import("./cli/config.ts")).addConfig(program)],
  ["machine", async (program) => (await import("./cli/machine.ts")).addMachine(program, await loadTypes())],
  ["schema", async (program) => (await import("./cli/schema.ts")).addSchema(program, await loadTypes())],
];

/** `natstate` with the command that was asked for, or with all of them. */
async function createProgram(asked: string | undefined): Promise<Command> {
  const { version, description } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
    description: string;
  };
  const program = new Command("natstate")
    .description(description)
    .version(version)
    .showHelpAfterError("(npx natstate --help says more)")
    .exitOverride();
  const named = COMMANDS.filter(([names]) => names.split(" ").includes(asked ?? ""));
  const wanted = asked === "--version" || asked === "-V" ? [] : named.length > 0 ? named : COMMANDS;
  for (const [, add] of wanted) await add(program);
  for (const command of program.commands) {
    nameInHelp(command, "npx natstate");
    // Settings are the same for all types.
    if (command.name() !== "config") for (const each of leavesOf(command)) takeActors(each);
  }
  const codes = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${code}  ${meaning}`);
  program.addHelpText("after", `\nExit codes:\n${codes.join("\n")}`);
  const { id, eventType, state, collection } = exampleNames(wanted === COMMANDS ? await loadTypes() : []);
  return withExamples(program, [
    ["npx natstate start", "run the daemon, data in ./data"],
    [`npx natstate publish ${id} ${eventType} - < event.json`, "one event"],
    [`npx natstate get ${id}`, "what is known of one"],
    [`npx natstate list --state ${state}`, `${collection} by state`],
    ["npx natstate watch", "decisions as they are published"],
    ["npx natstate dead-letters list", "what could not be read"],
  ]);
}

// Whatever is written, here and by the nats-server that is started here, is for its owner only.
process.umask(0o077);
endWithStarter();

/** After a mistake each command names its own help. */
function nameInHelp(command: Command, before: string): void {
  const line = `${before} ${command.name()}`;
  command.showHelpAfterError(`(${line} --help says more)`);
  for (const each of command.commands) nameInHelp(each, line);
}

/** Those that do something. */
function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

onClosedPipe(() => process.exit());
try {
  await (await createProgram(process.argv[2])).parseAsync();
} catch (error) {
  const { code, message } = explain(error);
  if (message !== null) say(message.startsWith("natstate ") ? message : `natstate: ${message}`);
  // Not only exitCode: whatever a failure has left open must not keep the process.
  process.exit(code);
}
