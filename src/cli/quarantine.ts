import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { joinPasts } from "../answers/find-actor.ts";
import type { QuarantineDetail, Released } from "../answers/quarantine.ts";
import type { QueryClient } from "../members/query-client.ts";
import type { QuarantineList } from "../members/whole.ts";
import { sayPast } from "./actors-text.ts";
import { allOf, checkActorId, exampleNames, oneOf, withExamples } from "./arguments.ts";
import { addAsking, chosenTypes, type TypedOptions } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { type FoundActor, findAll } from "./find-actor.ts";
import { countOf, pairs, print, printJson, table, terminalColumns } from "./output.ts";
import { withSystem } from "./system.ts";

export function addQuarantine(program: Command, types: readonly ActorType[]): void {
  const group = program
    .command("quarantine")
    .description(`Look at ${allOf(types)} whose machine failed on an event, and go on with them after a fix.`);
  addList(group, types);
  addShow(group, types);
  addRelease(group, types);
}

function addList(group: Command, types: readonly ActorType[]): void {
  const description = `List quarantined ${allOf(types)}, by id.`;
  const command = addAsking(group, "list", description, types).action(async (options: TypedOptions) => {
    const found = await withSystem(options.nats, ({ queries }) =>
      findAll(chosenTypes(types, options.type), (type) => queries.quarantined(type)),
    );
    const past = joinPasts(found.map(({ found: { past = {} } }) => past));
    const byCollection = found.map(({ type, found: { entries } }) => [type.collection, entries] as const);
    if (options.json) printJson({ ...Object.fromEntries(byCollection), ...past });
    else print(renderList(found));
    sayPast(past);
  });
  withExamples(command, [
    ["npx natstate quarantine list", "which, why, and since when"],
    ["npx natstate quarantine list --json", "for a script"],
  ]);
}

function addShow(group: Command, types: readonly ActorType[]): void {
  const description = `Show why one ${oneOf(types)} is quarantined, and the events kept back.`;
  const command = addAsking(group, "show <id>", description, types).action(
    async (id: string, options: TypedOptions) => {
      const chosen = chosenTypes(types, options.type);
      for (const type of chosen) checkActorId(type, id);
      const all = await withSystem(options.nats, ({ queries }) =>
        findAll(chosen, (type) => queries.quarantine(type, id)),
      );
      if (all.length === 0) throw notQuarantined(chosen, id);
      for (const { type, found } of all) {
        if (options.json) printJson(found);
        else print(renderDetail(type, id, found));
      }
    },
  );
  withExamples(command, [
    [`npx natstate quarantine show ${exampleNames(types).id}`, "exit code 3 when it is not quarantined"],
  ]);
}

function addRelease(group: Command, types: readonly ActorType[]): void {
  const description = "Apply the events kept back, in their order. Whose machine fails again stays quarantined.";
  const command = addAsking(group, "release [id]", description, types)
    .option("--all", "all that are quarantined")
    .action((id: string | undefined, options: ReleaseOptions) => release(types, id, options));
  withExamples(command, [
    [
      `npx natstate quarantine release ${exampleNames(types).id}`,
      "after a fix; exit code 1 when its machine fails again",
    ],
    ["npx natstate quarantine release --all", "every one"],
  ]);
}

interface ReleaseOptions extends TypedOptions {
  readonly all?: boolean;
}

async function release(types: readonly ActorType[], id: string | undefined, options: ReleaseOptions): Promise<void> {
  if ((id === undefined) === (options.all === undefined)) throw new CliError("usage", "say which: an id, or --all");
  const chosen = chosenTypes(types, options.type);
  if (id !== undefined) for (const type of chosen) checkActorId(type, id);
  const outcomes = new Map(chosen.map((type) => [type, [] as Released[]]));
  await withSystem(options.nats, async ({ queries }) => {
    for (const [type, released] of outcomes) {
      for (const each of id === undefined ? await idsOf(type, queries) : [id]) {
        const [one] = await findAll([type], () => queries.release(type, each));
        // One that has gone since --all looked is somebody else's doing.
        if (one === undefined) continue;
        released.push(one.found);
        if (!options.json) print(describe(each, one.found));
      }
    }
  });
  const all = [...outcomes.values()].flat();
  if (id !== undefined && all.length === 0) throw notQuarantined(chosen, id);
  if (options.json) printJson(Object.fromEntries([...outcomes].map(([type, each]) => [type.collection, each])));
  else if (all.length === 0) print("nothing is quarantined");
  const again = all.filter(({ released }) => !released).length;
  if (again > 0)
    throw new CliError(
      "failed",
      `${again} failed again and ${again === 1 ? "stays" : "stay"} quarantined: npx natstate quarantine list says why`,
    );
}

async function idsOf(type: ActorType, queries: QueryClient): Promise<string[]> {
  const { entries, past } = await queries.quarantined(type);
  sayPast(past);
  return entries.map((entry) => String(entry[type.idField]));
}

function describe(
  id: string,
  { released, applied, superseded, duplicate, conflict, parked, decisions, ...byEventTime }: Released,
): string {
  const { reordered = 0, unhandled = 0, held = 0 } = byEventTime;
  const counts = [
    `${applied} applied`,
    ...(reordered > 0 ? [`${reordered} reordered`] : []),
    ...(unhandled > 0 ? [`${unhandled} unhandled`] : []),
    ...(held > 0 ? [`${held} held`] : []),
    ...(byEventTime.reordered === undefined || superseded > 0 ? [`${superseded} superseded`] : []),
    `${duplicate} duplicate`,
    ...(conflict > 0 ? [`${conflict} in conflict`] : []),
    countOf(decisions, "decision"),
  ];
  const done = counts.join(", ");
  if (released) return `${id}  released: ${done}`;
  return `${id}  quarantined again: ${done}${parked === 0 ? "" : `, ${parked} kept back`}`;
}

/** Which type each is of, where there are several. */
function renderList(all: readonly FoundActor<QuarantineList>[]): string[] {
  const isMixed = all.length > 1;
  const rows = all.flatMap(({ type, found }) =>
    found.entries.map((entry) => [
      String(entry[type.idField]),
      ...(isMixed ? [type.name] : []),
      entry.since,
      entry.parked,
      entry.eventType,
      entry.error,
    ]),
  );
  if (rows.length === 0) return ["nothing is quarantined"];
  const [one] = all;
  const head = isMixed || one === undefined ? ["id", "type"] : [one.type.idField];
  return table([...head, "since", "kept back", "failed on", "error"], rows, terminalColumns());
}

function renderDetail(type: ActorType, id: string, detail: QuarantineDetail): string[] {
  const about = pairs([
    ["since", detail.since],
    ["failed on", detail.eventType],
    ["error", detail.error],
    ...(detail.parked === 0
      ? [["kept", `its events are in its history: npx natstate history ${id}`] as const]
      : [
          ["kept back", countOf(detail.parked, "event")] as const,
          ["first one", detail.events[0]?.body ?? "not UTF-8"] as const,
        ]),
    ["after a fix", `npx natstate quarantine release ${id}`],
  ]);
  const lines = [`${type.name} ${id}`, "", ...about];
  if (detail.parked === 0) return lines;
  const rows = detail.events.map((event) => [event.sequence, event.eventType, event.receivedAt, event.bytes]);
  return [...lines, "", ...table(["seq", "event", "received", "bytes"], rows)];
}

function notQuarantined(types: readonly ActorType[], id: string): CliError {
  const where = "npx natstate quarantine list says which are";
  return new CliError("not_found", `no ${oneOf(types)} ${id} is quarantined: ${where}`);
}
