import type { Command } from "commander";
import type { ActorType } from "../../machines/actor-type.ts";
import type { QuarantineDetail, QuarantineEntry, Released } from "../flow/quarantine-control.ts";
import type { QueryClient } from "../jetstream/query-client.ts";
import { checkActorId, findType, typeOption, withExamples } from "./arguments.ts";
import { CliError } from "./exit-codes.ts";
import { addSystemOption } from "./nats-option.ts";
import { pairs, print, printJson, table } from "./output.ts";
import { withSystem } from "./system.ts";

interface Common {
  readonly type: string;
  readonly nats?: string;
  readonly json?: boolean;
}

/** Adds `natstate quarantine list|show|release`. */
export function addQuarantine(program: Command, types: readonly ActorType[]): void {
  const group = program
    .command("quarantine")
    .description("Look at orders whose machine failed on an event, and go on with them after a fix.");
  addList(group, types);
  addShow(group, types);
  addRelease(group, types);
}

function addList(group: Command, types: readonly ActorType[]): void {
  const command = addCommon(group.command("list"), types)
    .description("List quarantined orders, by id.")
    .action(async (options: Common) => {
      const type = findType(types, options.type);
      const found = await withSystem(options.nats, ({ queries }) => queries.quarantined(type));
      if (options.json) printJson({ [type.collection]: found });
      else print(renderList(type, found));
    });
  withExamples(command, [
    ["npx natstate quarantine list", "which, why, and since when"],
    ["npx natstate quarantine list --json", "for a script"],
  ]);
}

function addShow(group: Command, types: readonly ActorType[]): void {
  const command = addCommon(group.command("show <id>"), types)
    .description("Show why an order is quarantined, and the events kept back.")
    .action(async (id: string, options: Common) => {
      const type = findType(types, options.type);
      const found = await withSystem(options.nats, ({ queries }) => queries.quarantine(type, checkActorId(type, id)));
      if (found === undefined) throw notQuarantined(type, id);
      if (options.json) printJson(found);
      else print(renderDetail(type, id, found));
    });
  withExamples(command, [["npx natstate quarantine show ORD-1001", "exit code 3 when it is not quarantined"]]);
}

function addRelease(group: Command, types: readonly ActorType[]): void {
  const command = addCommon(group.command("release [id]"), types)
    .description("Apply the events kept back, in their order. An order whose machine fails again stays quarantined.")
    .option("--all", "every quarantined order")
    .action((id: string | undefined, options: Common & { all?: boolean }) => release(types, id, options));
  withExamples(command, [
    ["npx natstate quarantine release ORD-1001", "after a fix; exit code 1 when its machine fails again"],
    ["npx natstate quarantine release --all", "every one"],
  ]);
}

async function release(
  types: readonly ActorType[],
  id: string | undefined,
  options: Common & { all?: boolean },
): Promise<void> {
  if ((id === undefined) === (options.all === undefined)) throw new CliError("usage", "say which: an id, or --all");
  const type = findType(types, options.type);
  if (id !== undefined) checkActorId(type, id);
  const outcomes: Released[] = [];
  await withSystem(options.nats, async ({ queries }) => {
    for (const each of id === undefined ? await idsOf(type, queries) : [id]) {
      const released = await queries.release(type, each);
      // One that has gone since --all looked is somebody else's doing.
      if (released === undefined && id !== undefined) throw notQuarantined(type, id);
      if (released === undefined) continue;
      outcomes.push(released);
      if (!options.json) print(describe(each, released));
    }
  });
  if (options.json) printJson({ [type.collection]: outcomes });
  else if (outcomes.length === 0) print("nothing is quarantined");
  const again = outcomes.filter(({ released }) => !released).length;
  if (again > 0)
    throw new CliError("failed", `${again} failed again and stay quarantined: npx natstate quarantine show`);
}

async function idsOf(type: ActorType, queries: QueryClient): Promise<string[]> {
  return (await queries.quarantined(type)).map((entry) => String(entry[type.idField]));
}

function describe(
  id: string,
  { released, applied, superseded, duplicate, conflict, parked, decisions }: Released,
): string {
  const done = `${applied} applied, ${superseded} superseded, ${duplicate} duplicate, ${conflict === 0 ? "" : `${conflict} in conflict, `}${decisions} decisions`;
  return released ? `${id}  released: ${done}` : `${id}  quarantined again: ${done}, ${parked} kept back`;
}

function renderList(type: ActorType, found: readonly QuarantineEntry[]): string {
  if (found.length === 0) return "nothing is quarantined";
  const rows = found.map((entry) => [
    String(entry[type.idField]),
    entry.since,
    entry.parked,
    entry.eventType,
    entry.error,
  ]);
  return table([type.idField, "since", "kept back", "failed on", "error"], rows);
}

function renderDetail(type: ActorType, id: string, detail: QuarantineDetail): string {
  const about = pairs([
    ["since", detail.since],
    ["failed on", detail.eventType],
    ["error", detail.error],
    ["kept back", `${detail.parked} events`],
    ["first one", detail.events[0]?.body ?? "not UTF-8"],
  ]);
  const rows = detail.events.map((event) => [event.sequence, event.eventType, event.receivedAt, event.bytes]);
  return [`${type.name} ${id}`, "", about, "", table(["seq", "event", "received", "bytes"], rows)].join("\n");
}

function notQuarantined(type: ActorType, id: string): CliError {
  return new CliError(
    "not_found",
    `${type.name} ${id} is not quarantined: npx natstate quarantine list says which are`,
  );
}

function addCommon(command: Command, types: readonly ActorType[]): Command {
  return addSystemOption(command.addOption(typeOption(types))).option("--json", "print JSON");
}
