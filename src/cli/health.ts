import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type Command, InvalidArgumentError, Option } from "commander";
import { readSecret } from "../config/environment.ts";
import type { Readiness } from "../console/sources.ts";
import { type RuntimeFile, readRuntimeFile } from "../daemon/runtime-file.ts";
import { withExamples } from "./arguments.ts";
import { type AskingOptions, addSystemOption } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { print, printJson, table } from "./output.ts";

interface HealthOptions extends AskingOptions {
  readonly http?: string;
}

const ANSWER_MS = 3000;

/**
 * Adds `natstate health`: exit code 0 when the daemon is ready, 4 when it is not or does not run. Probes run it every few
 * seconds, so it loads neither zod nor a NATS client nor an actor type unless it must: they take longer than its answer.
 */
export function addHealth(program: Command): void {
  const command = program
    .command("health")
    .description("Ask a daemon whether it does its work; exit code 4 when it does not, or does not run.")
    .addOption(
      new Option("--http <url>", "its API (default: what `natstate start` wrote, else NATSTATE_HTTP)").argParser(
        apiUrl,
      ),
    )
    .option("--json", "print JSON")
    .action(health);
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate health", "the daemon of this data directory"],
    ["npx natstate health --http http://10.0.0.5:8484", "another one"],
    ["npx natstate health --nats nats://10.0.0.5:4222", "does any daemon answer questions over NATS?"],
  ]);
}

function apiUrl(text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? "")) return text;
  throw new InvalidArgumentError("Expected a URL such as http://127.0.0.1:8484.");
}

async function health(options: HealthOptions): Promise<void> {
  const httpUrl = await findApi(options);
  let readiness: Readiness;
  try {
    readiness = httpUrl === null ? await askNats(options.nats) : await askApi(httpUrl);
  } catch (error) {
    if (error instanceof CliError && error.exit === "usage") throw error;
    const message = (error as Error).message;
    if (options.json) printJson({ ready: false, checks: {}, error: message });
    throw new CliError("not_healthy", message, { cause: error });
  }
  const rows = Object.entries(readiness.checks).map(([name, { ok, detail }]) => [name, ok ? "ok" : "NOT OK", detail]);
  if (options.json) printJson(readiness);
  else {
    const why =
      rows.length === 0 ? ["why is told to who has NATSTATE_HTTP_TOKEN"] : table(["check", "", "detail"], rows);
    print([readiness.ready ? "ready" : "not ready", "", ...why]);
  }
  if (!readiness.ready) throw new CliError("not_healthy", "natstate is not ready");
}

/** @returns null when only NATS can be asked: because the API is off, or because a NATS was named. */
async function findApi({ http, nats }: HealthOptions): Promise<string | null> {
  if (http !== undefined) return http.replace(/\/+$/, "");
  if (nats !== undefined) return null;
  const runtime = readOwnRuntime(process.env.NATSTATE_DATA || "./data");
  if (runtime !== undefined) return runtime.httpUrl;
  const { readConfig } = await import("../config/config.ts");
  const { NATSTATE_HTTP: address } = readConfig(process.env);
  if (address === null) return null;
  const reachable = ["0.0.0.0", "::"].includes(address.host) ? "127.0.0.1" : address.host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${address.port}`;
}

/** Whoever only watches need not be the user that runs it: then NATSTATE_HTTP says where it is. */
function readOwnRuntime(dataDir: string): RuntimeFile | undefined {
  try {
    return readRuntimeFile(dataDir);
  } catch {
    return undefined;
  }
}

async function askApi(httpUrl: string): Promise<Readiness> {
  const token = readSecret(process.env, "NATSTATE_HTTP_TOKEN").text;
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const { status, text } = await get(`${httpUrl}/readyz`, headers).catch((error: unknown) => {
    const message = `natstate is not running: nothing answers at ${httpUrl}. Start it with: npx natstate start. Or say where it is: --http <url>, or NATSTATE_DATA as it has.`;
    throw new Error(message, { cause: error });
  });
  const answer = readJson(text);
  // Without the token it says only whether.
  if (typeof answer?.ready === "boolean") return { ready: answer.ready, checks: answer.checks ?? {} };
  throw new Error(`${httpUrl}/readyz is not natstate's: it answered ${status}`);
}

/** Not `fetch`, which takes twice as long to begin as all the rest. */
async function get(url: string, headers: Readonly<Record<string, string>>) {
  const client = await import(url.startsWith("https:") ? "node:https" : "node:http");
  const request = client.get(url, { headers, agent: false, signal: AbortSignal.timeout(ANSWER_MS) });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { status: response.statusCode ?? 0, text };
}

function readJson(text: string): Partial<Readiness> | null {
  try {
    return JSON.parse(text) as Partial<Readiness> | null;
  } catch {
    return null;
  }
}

/** Without the API all that can be known is that somebody answers. */
async function askNats(nats: string | undefined): Promise<Readiness> {
  // Only here: a probe that asks the API takes half as long without a NATS client.
  const { withSystem } = await import("./system.ts");
  const { toldTypes } = await import("./told-types.ts");
  return withSystem(nats, async ({ queries, natsUrl }) => {
    for (const type of await toldTypes(process.argv.slice(2), process.env)) await queries.stats(type);
    return { ready: true, checks: { answers: { ok: true, detail: `natstate answers at ${natsUrl}` } } };
  });
}
