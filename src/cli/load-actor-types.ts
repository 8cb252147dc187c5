import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { readGiven } from "../config/environment.ts";
import { CliError } from "./exit-codes.ts";
import { placeOfExport, tellTrouble } from "./module-trouble.ts";

/** Where a project has its types, when nothing else is said. */
const REGISTRIES = ["machines/registry.ts", "machines/registry.js"];

/** Adds `--actors <module>`, which `loadActorTypes` heeds. @param otherwise - whose types it is about without. */
export function takeActors(command: Command, otherwise: string): Command {
  return command.option("--actors <module>", `file with the actor types (default: NATSTATE_ACTORS, else ${otherwise})`);
}

/** What an actor type cannot do without; whether it is right in itself is checked at start. */
const REQUIRED = [
  "name",
  "collection",
  "idField",
  "events",
  "machine",
  "version",
  "states",
  "decisionTypes",
  "withdrawn",
  "conclude",
  "view",
  "waitingFor",
] as const satisfies readonly (keyof ActorType)[];

/** The module with the actor types, as someone has named it. */
export interface NamedModule {
  readonly path: string;
  /** As one would say it again, for example `--actors actors.ts`. */
  readonly named: string;
}

/**
 * The module that is named: by `--actors`, else by NATSTATE_ACTORS.
 *
 * @param args - of the command line; looked at before it is parsed, since what it may say depends on the types.
 */
export function namedModule(args: readonly string[], env: NodeJS.ProcessEnv): NamedModule | undefined {
  const command = takeActors(new Command().exitOverride(), "");
  command.parseOptions([...args]);
  const { actors } = command.opts<{ actors?: string }>();
  if (actors !== undefined) return { path: actors, named: `--actors ${actors}` };
  const { text } = readGiven(env, "NATSTATE_ACTORS");
  return text === undefined ? undefined : { path: text, named: `NATSTATE_ACTORS=${text}` };
}

/** The module where a project's types are by custom, if it is there. */
export function registryModule(): NamedModule | undefined {
  const path = REGISTRIES.find((each) => existsSync(each));
  return path === undefined ? undefined : { path, named: path };
}

/**
 * The actor types that a command is about: those of the module that is named, else of the working directory's
 * `machines/registry.ts` or `.js`, else the bundled ones.
 *
 * @throws CliError `usage`, with file, line and what was expected.
 */
export async function loadActorTypes(args: readonly string[], env: NodeJS.ProcessEnv): Promise<readonly ActorType[]> {
  const module = namedModule(args, env) ?? registryModule();
  return module === undefined ? (await import("../../machines/registry.ts")).actorTypes : loadModule(module);
}

async function loadModule({ path, named }: NamedModule): Promise<readonly ActorType[]> {
  const file = resolve(path);
  if (!existsSync(file)) throw new CliError("usage", `${named}: ${file} is not there, expected a module`);
  const module = await load(file).catch((error: unknown) => {
    throw new CliError("usage", `${named} cannot be loaded: ${tellTrouble(error, file)}`, { cause: error });
  });
  const found = module.default ?? module.actorTypes;
  // One alone needs no list.
  const types = typeof found === "object" && found !== null && "machine" in found ? [found as ActorType] : found;
  const refuse = (why: string) => new CliError("usage", `${named}: ${placeOfExport(file)}: ${why}`);
  if (!Array.isArray(types) || types.length === 0) {
    throw refuse("expected a default export (or actorTypes) that is an array of actor types, or one alone");
  }
  for (const [index, type] of types.entries()) {
    const problem = problemOf(type);
    if (problem !== undefined) throw refuse(`element ${index}${nameOf(type)} is no actor type: ${problem}`);
  }
  return types;
}

/** What XState finds wrong it finds deep within: the line of the author's that led there is beyond the usual ten. */
async function load(file: string): Promise<{ readonly default?: unknown; readonly actorTypes?: unknown }> {
  const usual = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    Error.stackTraceLimit = usual;
  }
}

function problemOf(type: unknown): string | undefined {
  if (typeof type !== "object" || type === null) return `it is ${type === null ? "null" : `a ${typeof type}`}`;
  const missing = REQUIRED.filter((field) => (type as Partial<ActorType>)[field] === undefined);
  if (missing.length > 0) return `it has no ${missing.join(", ")}; was it made with defineActor?`;
  const { machine, conclude } = type as ActorType;
  if (typeof machine.root !== "object") return "its machine is none that createMachine has made";
  return typeof conclude === "function" ? undefined : "its conclude is no function";
}

function nameOf(type: unknown): string {
  const { name } = (type ?? {}) as { name?: unknown };
  return typeof name === "string" ? ` (${name})` : "";
}
