import { join } from "node:path";
import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { examineNats } from "../care/examine-nats.ts";
import { examineStore } from "../care/examine-store.ts";
import { type Finding, type Level, ok, problem, START, warning } from "../care/finding.ts";
import { type Config, natsAccess, readConfig } from "../config/config.ts";
import { maskUrl } from "../config/values.ts";
import { topologyOf } from "../daemon/nats-setup.ts";
import { NatsAwayError } from "../jetstream/connect.ts";
import { mayPass } from "../jetstream/patience.ts";
import { permissionError } from "../jetstream/permission.ts";
import { openSession, type Session } from "../jetstream/session.ts";
import { askMembers } from "../members/ask-members.ts";
import type { Member } from "../members/member.ts";
import { serverFiles } from "../nats-server/owner.ts";
import type { StoredPartition } from "../store/checkup.ts";
import { knownInstanceId } from "../store/instance-id.ts";
import { type DataDirectory, furtherDirectories, hasLeft } from "../supervisor/directories.ts";
import { lanesOf } from "../wire/lanes.ts";
import { withExamples } from "./arguments.ts";
import { type AskingOptions, addSystemOption } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { countOf, print, printJson, table } from "./output.ts";
import { findPlace, type Place } from "./system.ts";

/** Who is busy answers later than a round of the daemons waits. */
const ANSWER_MS = 2000;

const MARKS: Record<Level, string> = { ok: "ok", warning: "warning", problem: "PROBLEM" };

/** Adds `natstate doctor`: exit code 4 when there is a problem. */
export function addDoctor(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("doctor")
    .description(
      "Examine everything natstate needs: server, streams, permissions, store, disk, clock, lag. Works with and without a running daemon, and changes nothing.",
    )
    .option("--json", "print JSON")
    .action((options: AskingOptions) => doctor(types, options));
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate doctor", "each line ok, warning or problem, with what to do; exit code 4 on problems"],
    ["npx natstate doctor --json | jq '.findings[] | select(.level != \"ok\")'", "for a script"],
  ]);
}

async function doctor(types: readonly ActorType[], options: AskingOptions): Promise<void> {
  const config = readConfig(process.env);
  const system = await examineSystem(types, config, findPlace(options.nats, process.env));
  const findings = [...system.findings, ...examineStores(config.NATSTATE_DATA, system.members)];
  const problems = findings.filter(({ level }) => level === "problem").length;
  if (options.json) printJson({ healthy: problems === 0, findings });
  else print(render(findings));
  if (problems > 0) throw new CliError("not_healthy", countOf(problems, "problem"));
}

/** Of one daemon, or of several that one start runs. */
function examineStores(dataDir: string, members: readonly Member[]): Finding[] {
  const examine = (path: string) =>
    examineStore(join(path, "natstate.db"), Date.now(), heldByOthers(members, knownInstanceId(path)));
  const examineFurther = ({ daemon, path }: DataDirectory) =>
    (hasLeft(path) ? [ok("store", `others have its partitions, ${path} may be deleted`)] : examine(path)).map(
      (found) => ({ ...found, check: `${found.check} of daemon ${daemon}` }),
    );
  return [...examine(dataDir), ...furtherDirectories(dataDir).flatMap(examineFurther)];
}

/** @param instance - whose store it is; undefined: nobody's yet. */
function heldByOthers(members: readonly Member[], instance: string | undefined): StoredPartition[] {
  const others = members.filter((member) => member.instance !== instance);
  return others.flatMap(({ streams }) =>
    streams.flatMap(({ type, holds }) => holds.map((partition) => ({ type, partition }))),
  );
}

interface Examined {
  readonly findings: readonly Finding[];
  readonly members: readonly Member[];
}

async function examineSystem(types: readonly ActorType[], config: Config, { url, because }: Place): Promise<Examined> {
  const where = `${maskUrl(url)} (${because})`;
  const access = { url, ...natsAccess(config), name: "natstate-doctor", timeoutMs: 3000 };
  const session = await openSession(access, () => {}).catch((error: Error) => error);
  if (session instanceof Error) {
    const isOurs = config.NATS_URL === undefined;
    if (isOurs) return alone(warning("NATS", `${session.message.replace(/\.$/, "")} (${because})`, START));
    const isAway = session instanceof NatsAwayError;
    const advice = isAway ? session.advice : "is nats-server running there, and is it 2.14 or newer?";
    return alone(problem("NATS", `${because}: ${isAway ? session.what : session.message}`, advice));
  }
  try {
    const topology = topologyOf(config);
    const members = await membersOf(session);
    const findings = await examineNats({
      session,
      types,
      lanes: types.flatMap((type) => lanesOf(type, topology.partitions)),
      topology,
      members: members.length,
      serverConfig: config.NATS_URL === undefined ? serverFiles(join(config.NATSTATE_DATA, "nats")).configFile : null,
    });
    return { findings: [ok("NATS", `connected to ${where}`), ...findings], members };
  } catch (error) {
    const advice = mayPass(error)
      ? "are enough servers of the cluster up? npx natstate health says what a daemon sees"
      : "does this user have the processor's permissions?";
    return alone(problem("NATS", `${where}: ${(error as Error).message}`, advice));
  } finally {
    await session.close();
  }
}

/** None where this user may not ask for them, which is a finding of its own. */
async function membersOf({ nc }: Session): Promise<Member[]> {
  try {
    return [...(await askMembers(nc, undefined, ANSWER_MS)).values()];
  } catch (error) {
    if (permissionError(error) === undefined) throw error;
    return [];
  }
}

/** All that can be said without NATS. */
function alone(finding: Finding): Examined {
  return { findings: [finding], members: [] };
}

function render(findings: readonly Finding[]): string[] {
  const rows = findings.map(({ check, level, detail, advice }) => [
    MARKS[level],
    check,
    advice === null ? detail : `${detail.replace(/\.$/, "")}. ${advice}`,
  ]);
  return table(["", "check", "detail"], rows);
}
