import { JetStreamApiCodes, type JetStreamManager, type StreamConfig, type StreamInfo } from "@nats-io/jetstream";
import type { ActorType } from "../actor/actor-type.ts";
import type { Lane } from "../wire/lanes.ts";
import { consumerName, DEAD_LETTERS_STREAM, DECISIONS_STREAM, eventStream } from "../wire/names.ts";
import { type Comparison, different, differingSettings, missing } from "./comparison.ts";
import { apiErrorCode, isStreamMissing, NatsSetupError } from "./connect.ts";
import { compareConsumer } from "./lane-consumer.ts";
import { permissionError } from "./permission.ts";
import { hazardRemedy, replayHazards } from "./replay-hazards.ts";
import { type TopologyOptions, type WantedStream, wantedStreams } from "./stream-configs.ts";
import { creationProblem } from "./stream-creation.ts";
import { identityOf, type StreamIdentity } from "./stream-identity.ts";
import { describeDifference, remedyOf } from "./stream-settings.ts";

/**
 * Creates the streams that are missing, adds the subjects of new actor types to those that lack nothing else, and checks
 * the others.
 *
 * @param onSurplus - told of subjects that are of actor types this natstate has not, such as one that was removed.
 * @returns the event stream of each type, in the order of `types`, then DECISIONS and DEAD_LETTERS.
 * @throws NatsSetupError with every difference of every stream, and nothing is created or added then; or when the server
 *   refuses the subjects.
 */
export async function ensureStreams(
  jsm: JetStreamManager,
  types: readonly ActorType[],
  options: TopologyOptions,
  onSurplus: (stream: string, subjects: readonly string[]) => void = () => {},
): Promise<StreamIdentity[]> {
  const wanted = wantedStreams(types, options);
  const seen = await Promise.all(wanted.map(async (stream) => ({ stream, info: await findStream(jsm, stream.name) })));
  // Who may not look at one will not be allowed to change another: all is told at once.
  const mayAdd = options.manage && seen.every(({ info }) => info !== "forbidden");
  refuse([...differing(seen, mayAdd), ...seen.flatMap(({ stream, info }) => absence(stream, info, options.manage))]);
  const problems: string[] = [];
  const found: StreamInfo[] = [];
  for (const { stream, info } of seen) {
    if (info === "forbidden") continue;
    const surplus = info === undefined ? [] : surplusOf(stream, info.config);
    if (surplus.length > 0) onSurplus(stream.name, surplus);
    const ready = info === undefined ? await addStream(jsm, stream, options) : await addSubjects(jsm, stream, info);
    if (typeof ready === "string") problems.push(ready);
    else found.push(ready);
  }
  refuse(problems);
  const names = [...types.map(eventStream), DECISIONS_STREAM, DEAD_LETTERS_STREAM];
  return names.flatMap((name) => found.filter(({ config }) => config.name === name).map(identityOf));
}

/** One stream or consumer, held against what is configured. */
export interface TopologyFinding {
  /** `stream ORDERS`, `consumer orders-3 of ORDERS`. */
  readonly what: string;
  readonly state: "as_configured" | "different" | "missing";
  /** What is different, a line each. */
  readonly differences: readonly string[];
  /** What to do about it; null when nothing is different. */
  readonly remedy: string | null;
}

/** Holds every stream and consumer against what is configured; creates and changes nothing. */
export async function checkTopology(
  jsm: JetStreamManager,
  types: readonly ActorType[],
  lanes: readonly Lane[],
  options: TopologyOptions,
): Promise<TopologyFinding[]> {
  const streams = wantedStreams(types, options).map((stream) =>
    look(`stream ${stream.name}`, async () => compareStream(stream, (await jsm.streams.info(stream.name)).config)),
  );
  const consumers = lanes.map((lane) => {
    const name = consumerName(lane.type, lane.partition);
    return look(`consumer ${name} of ${lane.stream}`, async () => {
      return compareConsumer(lane, await jsm.consumers.info(lane.stream, name));
    });
  });
  return Promise.all([...streams, ...consumers]);
}

async function look(what: string, compare: () => Promise<Comparison>): Promise<TopologyFinding> {
  try {
    const { differences, remedy } = await compare();
    return { what, state: differences.length === 0 ? "as_configured" : "different", differences, remedy };
  } catch (error) {
    if (!isStreamMissing(error) && apiErrorCode(error) !== JetStreamApiCodes.ConsumerNotFound) throw error;
    return { what, state: "missing", differences: [], remedy: null };
  }
}

type Found = StreamInfo | "forbidden" | undefined;

async function findStream(jsm: JetStreamManager, name: string): Promise<Found> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (permissionError(error)) return "forbidden";
    if (!isStreamMissing(error)) throw error;
    return undefined;
  }
}

/** Why a stream cannot be looked at, or is not there. */
function absence(wanted: WantedStream, info: Found, manage: boolean): string[] {
  if (info === "forbidden") {
    return [
      `stream ${wanted.name}: NATS does not let this user look at it ($JS.API.STREAM.INFO.${wanted.name}). Allow it everything that docs/nats-secure.conf allows the processor for ORDERS.`,
    ];
  }
  return info === undefined && !manage ? [missing(`stream ${wanted.name}`)] : [];
}

/** What is not as configured, before anything is created or added: streams that differ in the same are one line. */
function differing(
  seen: readonly { readonly stream: WantedStream; readonly info: Found }[],
  mayAdd: boolean,
): string[] {
  const groups = new Map<string, { readonly comparison: Comparison; readonly names: string[] }>();
  for (const { stream, info } of seen) {
    if (info === undefined || info === "forbidden") continue;
    const comparison = compareStream(stream, info.config);
    if (comparison.differences.length === 0 || (mayAdd && lacksOnlySubjects(stream, info.config))) continue;
    const key = JSON.stringify(comparison);
    const group = groups.get(key) ?? { comparison, names: [] };
    groups.set(key, group);
    group.names.push(stream.name);
  }
  return [...groups.values()].map(({ comparison: { differences, remedy }, names }) =>
    names.length === 1
      ? different(`stream ${names[0]}`, differences, remedy)
      : different(`streams ${names.join(", ")}`, differences, remedy).replace(" is not ", " are not "),
  );
}

/** Holds a stream against what is wanted of it, and against what no stream of ours may be. */
function compareStream(wanted: WantedStream, found: StreamConfig): Comparison {
  const differences = differingSettings(wanted, withoutSurplus(wanted, found));
  const hazards = replayHazards(wanted, found).filter(({ setting }) => !(setting in wanted));
  const remedies = [
    ...(differences.length > 0 ? [subjectsCommand(wanted, found) ?? remedyOf(differences)] : []),
    ...(hazards.length > 0 ? [hazardRemedy(wanted.name, hazards)] : []),
  ];
  const all = [...differences.map(describeDifference), ...hazards.map(({ what }) => what)];
  return { differences: all, remedy: all.length === 0 ? null : remedies.join(". ") };
}

async function addStream(
  jsm: JetStreamManager,
  wanted: WantedStream,
  options: TopologyOptions,
): Promise<StreamInfo | string> {
  let info: StreamInfo;
  try {
    info = await jsm.streams.add(wanted);
  } catch (error) {
    const problem = creationProblem(error, wanted, options);
    if (problem === undefined) throw error;
    return problem;
  }
  // An older server drops what it does not know without a word.
  const differences = differingSettings(wanted, info.config);
  if (differences.length === 0) return info;
  const what = `stream ${wanted.name}, as the server created it,`;
  return different(what, differences.map(describeDifference), remedyOf(differences));
}

/** @returns the stream with all its subjects, or why it could not be given those it lacks. */
async function addSubjects(
  jsm: JetStreamManager,
  wanted: WantedStream,
  info: StreamInfo,
): Promise<StreamInfo | string> {
  const subjects = subjectsOf(info.config);
  const added = wanted.subjects.filter((subject) => !subjects.includes(subject));
  if (added.length === 0) return info;
  try {
    return await jsm.streams.update(wanted.name, { subjects: [...subjects, ...added] });
  } catch (error) {
    const why = permissionError(error)
      ? "NATS does not let this user change it"
      : apiErrorCode(error) !== undefined && `the server refuses them: ${(error as Error).message}`;
    if (why === false) throw error;
    return `stream ${wanted.name} lacks subjects, and ${why}. ${subjectsCommand(wanted, info.config)}`;
  }
}

/** A mirror reports none. */
function subjectsOf(config: Partial<StreamConfig>): readonly string[] {
  return config.subjects ?? [];
}

/** What actor types that are not here have published there, and other daemons may: it is let be. */
function surplusOf(wanted: WantedStream, found: Partial<StreamConfig>): string[] {
  if (wanted.name !== DECISIONS_STREAM && wanted.name !== DEAD_LETTERS_STREAM) return [];
  const prefix = wanted.subjects[0]?.split(".")[0];
  return subjectsOf(found).filter((subject) => {
    const [first, collection = "", last, ...more] = subject.split(".");
    const isOfType = first === prefix && /^[A-Za-z0-9_-]+$/.test(collection) && last === "*" && more.length === 0;
    return isOfType && !wanted.subjects.includes(subject);
  });
}

function withoutSurplus(wanted: WantedStream, found: StreamConfig): StreamConfig {
  const surplus = surplusOf(wanted, found);
  if (surplus.length === 0) return found;
  return { ...found, subjects: subjectsOf(found).filter((subject) => !surplus.includes(subject)) };
}

/** Is all that is different that subjects of ours are not there yet? */
function lacksOnlySubjects(wanted: WantedStream, found: StreamConfig): boolean {
  const completed = { ...found, subjects: [...new Set([...subjectsOf(found), ...wanted.subjects])] };
  return compareStream(wanted, completed).differences.length === 0;
}

/** What gives a stream its subjects, as one would type it; null when it is not (or not only) they that differ. */
function subjectsCommand(wanted: WantedStream, found: StreamConfig): string | null {
  if (differingSettings(wanted, { ...found, subjects: wanted.subjects }).length > 0) return null;
  const subjects = [...surplusOf(wanted, found), ...wanted.subjects];
  return `To change it: nats stream edit ${wanted.name} --subjects "${subjects.join(",")}"`;
}

/** @throws NatsSetupError with all of them, unless there are none. */
function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new NatsSetupError([...new Set(problems)].join("\n"));
}
