import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { PAST_EVENTS } from "../answers/inspected-actor.ts";
import { QueryError } from "../answers/query-error.ts";
import { followInspection } from "../jetstream/inspect-client.ts";
import { checkActorId, exampleNames, oneOf, wholeNumber, withExamples } from "./arguments.ts";
import { addSystemOption, findType, typeOption } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { startInspectionRelay } from "./inspection-relay.ts";
import { print, printJson, say } from "./output.ts";
import { endOnSignals } from "./signals.ts";
import { openInBrowser, STATELY_ORIGIN, sendStatelyPage } from "./stately-page.ts";
import { type System, withSystem } from "./system.ts";

interface InspectOptions {
  readonly type: string;
  readonly port: number;
  readonly redact?: boolean;
  readonly json?: boolean;
  readonly openStately?: boolean;
  readonly nats?: string;
}

/** Adds `natstate inspect`: one actor's machine at work, for XState's visualisers. */
export function addInspect(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("inspect <id>")
    .description(
      `Stream the inspection events of one ${oneOf(types)} (past, then live) on a WebSocket, as Stately's inspector reads them.`,
    )
    .option("--port <n>", "port on 127.0.0.1; 0 picks a free one", wholeNumber(0, 65_535), 0)
    .option("--redact", "type names in place of values; names of fields stay, such as the SKUs of a reservation")
    .option("--json", "print the messages, one line each, instead of serving them")
    .option("--open-stately", `a page that hands them to ${STATELY_ORIGIN}, which is not this machine`)
    .addOption(typeOption(types))
    .action((id: string, options: InspectOptions) => {
      const type = findType(types, options.type);
      checkActorId(type, id);
      if (options.json && options.openStately) {
        throw new CliError("usage", "--json prints the messages, --open-stately serves them: give one of them");
      }
      return withSystem(options.nats, (system) => inspect(system, type, id, options));
    });
  addSystemOption(command);
  const { id } = exampleNames(types);
  withExamples(command, [
    [`npx natstate inspect ${id}`, "a ws:// address for an inspector, until Ctrl-C"],
    [`npx natstate inspect ${id} --json | jq -c '[.type, .event.type, .snapshot.value]'`, "in a terminal"],
    [`npx natstate inspect ${id} --redact --open-stately`, "drawn by stately.ai, without values"],
  ]);
}

async function inspect(system: System, type: ActorType, id: string, options: InspectOptions): Promise<void> {
  using ending = endOnSignals();
  const follow = (signal: AbortSignal) =>
    followInspection(system.session, type, id, { redact: options.redact === true, signal });
  const found = await system.queries.get(type, id).catch(undefinedWhileCatchingUp);
  if (found === undefined) say(`nobody has heard of ${type.name} ${id} yet, waiting for its first event`);
  else if (found.version > PAST_EVENTS) say(`its ${found.version} events are too many to tell, from now on only`);
  if (options.json)
    for await (const message of follow(ending.signal)) printJson(JSON.parse(message), { oneLine: true });
  else await serve(`${type.name} ${id}`, options, follow, ending.signal);
}

/** Who is not there yet is waited for in any case. */
function undefinedWhileCatchingUp(error: unknown): undefined {
  if (!(error instanceof QueryError && error.problem === "catching_up")) throw error;
}

async function serve(
  title: string,
  { port, redact, openStately }: InspectOptions,
  follow: (signal: AbortSignal) => AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const relay = await startInspectionRelay({
    port,
    furtherOrigins: openStately ? [STATELY_ORIGIN] : [],
    page: openStately ? sendStatelyPage : undefined,
    follow,
    onClients(count, error) {
      say(`${count} connected${error === undefined ? "" : `; an inspector was closed: ${error.message}`}`);
    },
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
    const message = `port ${port} on 127.0.0.1 is in use: choose another --port, or 0 for a free one`;
    throw new CliError("failed", message, { cause: error });
  });
  try {
    print(`inspecting ${title} at ws://127.0.0.1:${relay.port}, Ctrl-C ends`);
    if (openStately) tellStately(`http://127.0.0.1:${relay.port}/`, redact === true);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  } finally {
    await relay.close();
  }
}

function tellStately(url: string, redact: boolean): void {
  const what = redact ? "with type names in place of values" : "with all values (--redact leaves those out)";
  say(
    `${url} shows ${STATELY_ORIGIN}/inspect in a frame and hands it the machine, every event and every snapshot, ${what}`,
  );
  if (!openInBrowser(url, process.env)) say("open it in a browser on this machine; nothing is handed over before");
}
