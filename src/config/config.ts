import { accessSync, constants, readFileSync, statSync } from "node:fs";
import type { z } from "zod";
import { fileVariable, injectedVariables, readGiven, readSecret } from "./environment.ts";
import { fileVariables, type Setting, secrets, settings } from "./settings.ts";
import { isLoopback, maskUrl } from "./values.ts";

type Settings = typeof settings;

/** What `natstate start` runs with, read from the environment; undefined for what is not set and has no default. */
export type Config = z.output<
  z.ZodObject<{
    [Name in keyof Settings]: Settings[Name] extends { readonly fallback: string }
      ? Settings[Name]["schema"]
      : z.ZodOptional<Settings[Name]["schema"]>;
  }>
>;

/** The environment is not usable; `problems` names every setting that is wrong, not only the first. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `the configuration has ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n  ${problems.join("\n  ")}`,
    );
    this.problems = problems;
  }
}

/** No setting: with NODE_ENV=test a daemon ends itself at the moment it names, see `cli/crash-point.ts`. */
export const CRASH_VARIABLE = "NATSTATE_TEST_CRASH";

/**
 * Reads the configuration from the environment. Opens nothing.
 *
 * @throws ConfigError with all problems at once, unknown `NATSTATE_` names (often misspelt) included.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const problems = [...unknownVariables(env), ...doubles(env)];
  const given: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  let isReadable = true;
  for (const [name, { schema, fallback, secret }] of Object.entries<Setting>(settings)) {
    const text = (secret === undefined ? readGiven : readSecret)(env, name).text ?? fallback;
    if (text === undefined) continue;
    given[name] = text;
    const { data, error } = schema.safeParse(text);
    values[name] = data;
    const shown = secret === undefined ? JSON.stringify(text) : "***";
    for (const { message } of error?.issues ?? []) problems.push(`${name}: ${message}, got ${shown}`);
    if (error !== undefined) isReadable = false;
  }
  const paths = unusablePaths({ ...filesOf(env), ...given });
  problems.push(...paths);
  // Each is what its own schema gives, which is how the type is made.
  const config = values as Config;
  if (isReadable && paths.length === 0) problems.push(...contradictions(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = [...Object.keys(settings), ...secrets().map(fileVariable), ...injectedVariables(env)];
  return Object.keys(env)
    .filter((name) => name.startsWith("NATSTATE_") && !known.includes(name))
    .filter((name) => name !== CRASH_VARIABLE || env.NODE_ENV !== "test")
    .map((name) => `${name}: there is no such setting`);
}

function filesOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = secrets().map(fileVariable);
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

function doubles(env: NodeJS.ProcessEnv): string[] {
  const both = secrets().filter((name) => env[name] && env[fileVariable(name)]);
  return both.map((name) => `${name}, ${fileVariable(name)}: expected one of them`);
}

/**
 * What is wrong with the paths that settings name, a line each: a connection would say `ENOENT` and leave open which of its
 * files it means.
 */
function unusablePaths(given: Readonly<Record<string, string>>): string[] {
  const problems = fileVariables().flatMap((name) => {
    const path = given[name];
    const problem = path === undefined ? undefined : unreadable(path);
    return problem === undefined ? [] : [`${name}: ${path} ${problem}`];
  });
  const data = given.NATSTATE_DATA;
  const found = data === undefined ? undefined : statSync(data, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) problems.push(`NATSTATE_DATA: ${data} is not a directory`);
  return problems;
}

function unreadable(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    const found = statSync(path);
    if (found.isDirectory()) return "is a directory, expected a file";
    // One that is not filled yet: to go on without would be to do something else than was asked for.
    return found.isFile() && readFileSync(path, "utf8").trim() === "" ? "is empty" : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? "is not there" : `cannot be read (${code})`;
  }
}

/** What each setting allows for itself, but not together with the others. */
function contradictions(config: Config): string[] {
  const { NATSTATE_HTTP: http, NATSTATE_HTTP_TOKEN, NATSTATE_TLS_CERT, NATSTATE_TLS_KEY } = config;
  const problems: string[] = [];
  if (http !== null && !isLoopback(http.host) && NATSTATE_HTTP_TOKEN === undefined) {
    problems.push(
      `NATSTATE_HTTP: ${http.host} can be reached by others, so NATSTATE_HTTP_TOKEN has to be set (openssl rand -hex 32); or listen on 127.0.0.1`,
    );
  }
  if ((NATSTATE_TLS_CERT === undefined) !== (NATSTATE_TLS_KEY === undefined)) {
    problems.push("NATSTATE_TLS_CERT, NATSTATE_TLS_KEY: expected both or neither");
  }
  return problems;
}

/** How NATS is accessed, beside NATS_URL. */
export function natsAccess(config: Config) {
  const { NATS_CREDS: creds, NATSTATE_INBOX_PREFIX: inboxPrefix } = config;
  const { NATSTATE_TLS_CA: ca, NATSTATE_TLS_CERT: cert, NATSTATE_TLS_KEY: key } = config;
  const tls = ca === undefined && cert === undefined ? undefined : { ca, cert, key };
  return { creds, inboxPrefix, tls };
}

/** The effective configuration as a person reads it: every setting, its value as text, secrets masked. */
export function describeConfig(env: NodeJS.ProcessEnv) {
  return Object.entries<Setting>(settings).map(([name, { fallback = "", help, secret }]) => {
    const { text, source } = (secret === undefined ? readGiven : readSecret)(env, name);
    const value = text ?? fallback;
    const masked = secret === "userinfo" ? maskUrl(value) : "***";
    return { name, value: secret === undefined || value === "" ? value : masked, source, help };
  });
}
