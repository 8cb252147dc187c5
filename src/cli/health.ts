import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import type { ActorType } from "../../machines/actor-type.ts";
import { type Config, readConfig } from "../config.ts";
import { withExamples } from "./arguments.ts";
import { CliError } from "./exit-codes.ts";
import { print, printJson, table } from "./output.ts";
import { readRuntimeFile } from "./runtime-file.ts";
import { addSystemOption, withSystem } from "./system.ts";

interface HealthOptions {
  readonly http?: string;
  readonly nats?: string;
  readonly json?: boolean;
}

const contract = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
});

/** What `/readyz` answers. */
type Readiness = z.output<typeof contract>;

const ANSWER_MS = 3000;

/** Adds `natstate health`: exit code 0 when the daemon is ready, 4 when it is not or does not run. */
export function addHealth(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("health")
    .description("Ask a daemon whether it does its work; exit code 4 when it does not, or does not run.")
    .addOption(
      new Option("--http <url>", "its API (default: what `natstate start` wrote, else NATSTATE_HTTP)").argParser(
        apiUrl,
      ),
    )
    .option("--json", "print JSON")
    .action((options: HealthOptions) => health(types, options));
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

async function health(types: readonly ActorType[], options: HealthOptions): Promise<void> {
  const config = readConfig(process.env);
  const httpUrl = findApi(options, config);
  let readiness: Readiness;
  try {
    readiness =
      httpUrl === null ? await askNats(types, options.nats) : await askApi(httpUrl, config.NATSTATE_HTTP_TOKEN);
  } catch (error) {
    const message = (error as Error).message;
    if (options.json) printJson({ ready: false, checks: {}, error: message });
    throw new CliError("not_healthy", message, { cause: error });
  }
  const rows = Object.entries(readiness.checks).map(([name, { ok, detail }]) => [name, ok ? "ok" : "NOT OK", detail]);
  if (options.json) printJson(readiness);
  else print(`${readiness.ready ? "ready" : "not ready"}\n\n${table(["check", "", "detail"], rows)}`);
  if (!readiness.ready) throw new CliError("not_healthy", "natstate is not ready");
}

/** @returns null when only NATS can be asked: because the API is off, or because a NATS was named. */
function findApi({ http, nats }: HealthOptions, config: Config): string | null {
  if (http !== undefined) return http.replace(/\/+$/, "");
  if (nats !== undefined) return null;
  const runtime = readRuntimeFile(config.NATSTATE_DATA);
  if (runtime !== undefined) return runtime.httpUrl;
  if (config.NATSTATE_HTTP === null) return null;
  const { host, port } = config.NATSTATE_HTTP;
  const reachable = ["0.0.0.0", "::"].includes(host) ? "127.0.0.1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

async function askApi(httpUrl: string, token: string | undefined): Promise<Readiness> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  let response: Response;
  try {
    response = await fetch(`${httpUrl}/readyz`, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (error) {
    const message = `natstate is not running: nothing answers at ${httpUrl}. Start it with: npx natstate start. Or say where it is: --http <url>, or NATSTATE_DATA as it has.`;
    throw new Error(message, { cause: error });
  }
  const readiness = contract.safeParse(await response.json().catch(() => undefined));
  if (!readiness.success) throw new Error(`${httpUrl}/readyz is not natstate's: it answered ${response.status}`);
  return readiness.data;
}

/** Without the API all that can be known is that somebody answers. */
async function askNats(types: readonly ActorType[], nats: string | undefined): Promise<Readiness> {
  return withSystem(nats, async ({ queries, natsUrl }) => {
    const members = await queries.members();
    for (const type of types) await queries.stats(type);
    const detail = `${members} natstate daemon${members === 1 ? "" : "s"} at ${natsUrl}`;
    return { ready: true, checks: { answers: { ok: true, detail } } };
  });
}
