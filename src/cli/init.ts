import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { type Command, Option } from "commander";
import { withExamples } from "./arguments.ts";
import { CliError } from "./exit-codes.ts";
import { print } from "./output.ts";
import { EXAMPLES, type ExampleName, projectFiles } from "./project-files.ts";

interface InitOptions {
  readonly example: ExampleName;
  readonly natstate?: string;
}

/** Adds `natstate init`: a project of one's own. */
export function addInit(program: Command): void {
  const command = program
    .command("init <dir>")
    .description("Write a project with an actor of its own, its test, and all it needs to start. Overwrites nothing.")
    .addOption(new Option("--example <name>", "begin with this one").choices(Object.keys(EXAMPLES)).default("booking"))
    .option("--natstate <spec>", "which natstate it depends on, as npm takes it (default: this version)")
    .action((dir: string, options: InitOptions) => init(dir, options, program.version() ?? ""));
  withExamples(command, [
    ["npx natstate init bookings", "a seat that has to be paid within ten minutes"],
    ["npx natstate init claims --example claim", "an insurance claim: nested states, history, output"],
    ["npx natstate init shop --example checkout --natstate ../natstate-0.1.0.tgz", "on a natstate you have packed"],
  ]);
}

function init(dir: string, { example, natstate }: InitOptions, version: string): void {
  const files = projectFiles({ dir, example, natstate: readSpec(natstate, dir) ?? `^${version}` });
  const taken = [...files.keys()].filter((name) => existsSync(join(dir, name)));
  if (taken.length > 0) {
    throw new CliError("usage", `${dir} has ${taken.join(", ")}: nothing was written, name another directory`);
  }
  // What natstate writes is its owner's only, but these are anybody's sources.
  process.umask(0o022);
  for (const [name, text] of files) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  print([
    `${dir} has ${[...files.keys()].join(", ")}`,
    "",
    "Now:",
    `  cd ${dir}`,
    "  npm install",
    "  npm test             # the actor's specification, without NATS",
    "  npm start            # the daemon with a nats-server of its own, and the console",
    "  npm run dev          # the same, started again at each change",
  ]);
}

/** A file that is named is named from here; npm reads it from the project. */
function readSpec(natstate: string | undefined, dir: string): string | undefined {
  if (natstate === undefined || !existsSync(natstate)) return natstate;
  return `file:${relative(resolve(dir), resolve(natstate))}`;
}
