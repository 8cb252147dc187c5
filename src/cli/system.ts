import { QueryError } from "../answers/query-error.ts";
import { natsAccess, readConfig } from "../config/config.ts";
import { settings } from "../config/settings.ts";
import { maskUrl } from "../config/values.ts";
import { readRuntimeFile, runtimePath } from "../daemon/runtime-file.ts";
import type { NatsAccess } from "../jetstream/access.ts";
import { NatsAwayError, NatsSetupError } from "../jetstream/connect.ts";
import { openSession, type Session } from "../jetstream/session.ts";
import { createQueryClient, type QueryClient } from "../members/query-client.ts";
import { isAlive } from "../nats-server/owner.ts";
import { CliError } from "./exit-codes.ts";
import { say } from "./output.ts";

/** A running system, as other commands than `start` see it. */
export interface System {
  readonly session: Session;
  readonly queries: QueryClient;
  /** For further connections; may carry user and password. */
  readonly url: string;
  readonly access: NatsAccess;
  /** Without user and password. */
  readonly natsUrl: string;
}

export interface Place {
  readonly url: string;
  /** For a person: who said so. */
  readonly because: string;
}

const DEFAULT_URL = "nats://127.0.0.1:4222";
const START_OR_POINT =
  "Start it with: npx natstate start. Or say where it is: --nats <url>, NATS_URL, or NATSTATE_DATA as it has.";

/**
 * Finds a system: what was said, else the environment, else the runtime file of the data directory, else the default.
 *
 * @throws CliError `usage` when what was said is no NATS URL.
 */
export function findPlace(given: string | undefined, env: NodeJS.ProcessEnv): Place {
  const config = readConfig(env);
  if (given !== undefined) return { url: checkUrl(given), because: "--nats" };
  if (config.NATS_URL !== undefined) return { url: config.NATS_URL, because: "NATS_URL" };
  const runtime = readRuntimeFile(config.NATSTATE_DATA);
  const path = runtimePath(config.NATSTATE_DATA);
  if (runtime === undefined) return { url: DEFAULT_URL, because: `the default, there is no ${path}` };
  const left = isAlive(runtime.pid) ? "" : `, left behind by process ${runtime.pid} which has ended`;
  return { url: runtime.natsUrl, because: `${path}${left}` };
}

function checkUrl(url: string): string {
  const problem = settings.NATS_URL.schema.safeParse(url).error?.issues[0]?.message;
  if (problem !== undefined) throw new CliError("usage", `--nats: ${problem}`);
  return url;
}

/**
 * Connects to the running system, lets `use` work with it, and closes.
 *
 * @throws CliError `failed` when it cannot be reached or does not answer, with what to do.
 */
export async function withSystem<Result>(
  given: string | undefined,
  use: (system: System) => Promise<Result>,
  { needsJetStream = true } = {},
): Promise<Result> {
  const place = findPlace(given, process.env);
  const natsUrl = maskUrl(place.url);
  const access = natsAccess(readConfig(process.env));
  const session = await connect(place, { ...access, needsJetStream }, natsUrl);
  try {
    return await use({ session, queries: createQueryClient(session), url: place.url, access, natsUrl });
  } catch (error) {
    throw error instanceof QueryError ? explainQuery(error, natsUrl, place) : error;
  } finally {
    await session.close();
  }
}

/** The same, of whoever only asks daemons: they answer also while JetStream does not, and that is when one looks. */
export function withDaemons<Result>(
  given: string | undefined,
  use: (system: Pick<System, "session" | "queries" | "natsUrl">) => Promise<Result>,
): Promise<Result> {
  return withSystem(given, use, { needsJetStream: false });
}

async function connect(
  place: Place,
  access: NatsAccess & { readonly needsJetStream: boolean },
  natsUrl: string,
): Promise<Session> {
  try {
    return await openSession({ url: place.url, ...access, name: "natstate-cli", timeoutMs: 3000 }, (event) => {
      if (event === "disconnected") say(`NATS at ${natsUrl} is away, reconnecting`);
      if (event === "refused") say(`NATS at ${natsUrl} does not let this user in, trying again`);
      if (event === "reconnected") say("NATS is back");
    });
  } catch (error) {
    if (!(error instanceof NatsSetupError)) {
      throw new CliError("failed", `NATS at ${natsUrl}: ${(error as Error).message}`, { cause: error });
    }
    // Whatever else went wrong there, such as a wrong password or name, its own message says.
    if (!(error instanceof NatsAwayError && error.why === "nobody")) throw error;
    const message = `natstate is not running: nothing answers at ${natsUrl} (${place.because}). ${START_OR_POINT}`;
    throw new CliError("failed", message, { cause: error });
  }
}

function explainQuery(error: QueryError, natsUrl: string, { because }: Place): CliError {
  const options = { cause: error };
  switch (error.problem) {
    case "no_daemon": {
      const message = `natstate is not running: NATS answers at ${natsUrl} (${because}), but no natstate daemon. ${START_OR_POINT}`;
      return new CliError("failed", message, options);
    }
    case "no_answer":
      return new CliError("failed", `${error.message}. Try again; npx natstate health says more.`, options);
    case "busy":
    case "catching_up":
    case "refused":
      return new CliError("failed", error.message, options);
    case "retired":
    case "not_found":
      return new CliError("not_found", error.message, options);
    default:
      return error.problem satisfies never;
  }
}
