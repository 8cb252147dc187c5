import { readFileSync } from "node:fs";
import { type ConsumerInfo, type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import type { ActorType } from "../actor/actor-type.ts";
import { hasDelays } from "../actor/delays.ts";
import { findLongDelays, LONG_DELAY } from "../actor/long-delays.ts";
import {
  checkPublishing,
  checkServer,
  mayAsk,
  mayListen,
  mayPublish,
  type Permission,
  type ServerCheckup,
} from "../jetstream/checkup.ts";
import { measureLag } from "../jetstream/lag.ts";
import type { Session } from "../jetstream/session.ts";
import { payloadProblem, type TopologyOptions } from "../jetstream/stream-configs.ts";
import { refusedTicks } from "../jetstream/tick-publisher.ts";
import { checkTopology, type TopologyFinding } from "../jetstream/topology.ts";
import type { Lane } from "../wire/lanes.ts";
import {
  consumerName,
  DAEMONS_SUBJECT,
  DEAD_LETTERS_STREAM,
  DECISIONS_STREAM,
  daemonSubject,
  eventStream,
} from "../wire/names.ts";
import { tickSubject } from "../wire/tick.ts";
import { examineConsumerLeaders, examineReplicas } from "./examine-replicas.ts";
import { bytesText, type Finding, ok, problem, START, warning } from "./finding.ts";

export interface NatsExamination {
  readonly session: Session;
  readonly types: readonly ActorType[];
  /** Of all types. */
  readonly lanes: readonly Lane[];
  readonly topology: TopologyOptions;
  /** Daemons that answer. */
  readonly members: number;
  /** What the embedded server was started with; null when NATS_URL names another server. */
  readonly serverConfig: string | null;
}

const CLOCK_WARNING_MS = 2000;
const FULL_SHARE = 0.95;
const FILLING_SHARE = 0.8;
const HIGH_LAG = 10_000;
const ANSWER_MS = 5000;
/** Of nobody: no daemon has this id. */
const OF_NOBODY = daemonSubject("natstate-doctor", "question");
const BELOW = `${DAEMONS_SUBJECT}.>`;

/** Examines the server, the streams and how far the daemons are. Changes nothing. */
export async function examineNats(examination: NatsExamination): Promise<Finding[]> {
  const { session, types, lanes, topology, members, serverConfig } = examination;
  const server = await checkServer(session);
  // Also a server is heard that has lost sight of the others: that is what is to be found out.
  const jsm = await jetstreamManager(session.nc, { checkAPI: false, timeout: ANSWER_MS });
  const found = await checkTopology(jsm, types, lanes, topology);
  const streams = found.filter(({ what }) => what.startsWith("stream "));
  const consumers = found.filter(({ what }) => !what.startsWith("stream "));
  const hasStreams = streams.every(({ state }) => state !== "missing");
  const hasConsumers = consumers.every(({ state }) => state !== "missing");
  const replicas = hasStreams ? examineReplicas(await infosOf(jsm, types)) : ok("replicas", "there are no streams yet");
  const isUsable = hasStreams && replicas.level !== "problem";
  return [
    examineServer(server),
    examineStorage(server),
    examineSync(serverConfig, topology),
    examinePayload(session, topology),
    examineClock(server),
    ...examineDelays(types, topology),
    ...(await examineDaemons(session, members)),
    examineTopology("streams", streams, topology.manage),
    examineTopology("consumers", consumers, topology.manage),
    replicas,
    ...(isUsable ? await examinePermissions(session, types) : []),
    ...(isUsable && hasConsumers ? await examineReading(jsm, examination) : []),
  ];
}

function examineServer({ version, apiLevel, cluster }: ServerCheckup): Finding {
  const level = apiLevel === null ? "" : `, JetStream API level ${apiLevel}`;
  return ok("server", `nats-server ${version}${level}${cluster === null ? ", not clustered" : `, cluster ${cluster}`}`);
}

function examineStorage({ storageBytes, storageLimitBytes }: ServerCheckup): Finding {
  if (storageLimitBytes === null) {
    return ok("stream storage", `${bytesText(storageBytes)}, the account has no limit of its own`);
  }
  const share = storageBytes / storageLimitBytes;
  const detail = `${bytesText(storageBytes)} of ${bytesText(storageLimitBytes)}`;
  const advice = "raise max_file_store or the account's limit, or shorten the streams' max age";
  if (share >= FULL_SHARE) return problem("stream storage", detail, advice);
  return share >= FILLING_SHARE ? warning("stream storage", detail, advice) : ok("stream storage", detail);
}

function examineSync(serverConfig: string | null, { replicas }: TopologyOptions): Finding {
  const always = "sync_interval: always";
  if (serverConfig === null) {
    const detail = "a client cannot see the sync interval of a server it did not start";
    if (replicas > 1) return ok("durability", `${replicas} replicas; ${detail}`);
    return warning("durability", `one replica; ${detail}`, `make sure its configuration says ${always}`);
  }
  const interval = readInterval(serverConfig);
  if (interval === "always") return ok("durability", always);
  const detail = `sync_interval is ${interval ?? "not set (2 minutes)"}`;
  return warning("durability", detail, `a power cut takes what was acknowledged since: set ${always} in nats.conf`);
}

/** Of two equal settings in a file the later one counts. */
function readInterval(path: string): string | undefined {
  try {
    const text = readFileSync(path, "utf8").replace(/#.*$/gm, "");
    return [...text.matchAll(/\bsync_interval\s*[:=]?\s*"?(\w+)"?/g)].at(-1)?.[1];
  } catch {
    return undefined;
  }
}

function examinePayload({ nc }: Session, topology: TopologyOptions): Finding {
  const maxPayload = nc.info?.max_payload;
  if (maxPayload === undefined) return ok("message size", "the server does not tell its max_payload");
  const why = payloadProblem(maxPayload, topology);
  if (why === null) return ok("message size", `max_payload ${bytesText(maxPayload)} has room for every dead letter`);
  return problem("message size", `max_payload ${bytesText(maxPayload)} has no room for every dead letter`, why);
}

function examineClock({ clockAheadMs }: ServerCheckup): Finding {
  if (clockAheadMs === null) return ok("clock", "the server does not tell its own");
  const detail = `${Math.abs(clockAheadMs)} ms ${clockAheadMs < 0 ? "behind" : "ahead of"} the server's`;
  if (Math.abs(clockAheadMs) < CLOCK_WARNING_MS) return ok("clock", detail);
  return warning("clock", detail, "run NTP on both; decisions do not depend on it, but delays in the metrics do");
}

function examineDelays(types: readonly ActorType[], { maxAgeMs }: TopologyOptions): Finding[] {
  return types.flatMap((type) => {
    const delays = findLongDelays(type, maxAgeMs);
    if (delays.length === 0) return [];
    const advice = "raise NATSTATE_MAX_AGE above them, or back the store up";
    return [warning(`delays of ${type.collection}`, `${delays.join(", ")}: ${LONG_DELAY}`, advice)];
  });
}

/** Examines whether daemons are there, and may know of each other. @param members - daemons that answer. */
async function examineDaemons(session: Pick<Session, "nc">, members: number): Promise<Finding[]> {
  const asked: (readonly [what: string, Permission])[] = [
    [`publish ${DAEMONS_SUBJECT}`, await mayAsk(session, DAEMONS_SUBJECT)],
    [`publish ${BELOW}`, await mayAsk(session, OF_NOBODY)],
    [`subscribe to ${DAEMONS_SUBJECT}`, await mayListen(session, DAEMONS_SUBJECT)],
    [`subscribe to ${BELOW}`, await mayListen(session, OF_NOBODY)],
  ];
  const refused = asked.flatMap(([what, permission]) => (permission === "refused" ? [what] : []));
  if (refused.length > 0) {
    const detail = `the server does not let this user ${refused.join(", ")}: a daemon takes no partition from another`;
    const advice = `allow the processor to publish and to subscribe to "${DAEMONS_SUBJECT}" and "${BELOW}" (docs/nats-secure.conf)`;
    return [problem("daemons", detail, advice)];
  }
  return [
    members === 0
      ? warning("daemon", "none answers", START)
      : ok("daemon", `${members} answer${members === 1 ? "s" : ""}`),
    ok("daemons", "may ask each other"),
  ];
}

function examineTopology(check: string, found: readonly TopologyFinding[], manage: boolean): Finding {
  const different = found.filter(({ state }) => state === "different");
  const missing = found.filter(({ state }) => state === "missing").map(({ what }) => what);
  if (different.length > 0) {
    const detail = different.map(({ what, differences }) => `${what}: ${differences.join(", ")}`).join("; ");
    return problem(check, detail, [...new Set(different.map(({ remedy }) => remedy))].join("; "));
  }
  if (missing.length === 0) return ok(check, `${found.length} as configured`);
  const detail = `${missing.length} of ${found.length} are missing: ${missing.slice(0, 3).join(", ")}`;
  if (manage) return warning(check, detail, "npx natstate start makes them");
  return problem(check, detail, "NATSTATE_MANAGE_STREAMS is false: create them");
}

async function infosOf(jsm: JetStreamManager, types: readonly ActorType[]): Promise<StreamInfo[]> {
  const streams = [...types.map(eventStream), DECISIONS_STREAM, DEAD_LETTERS_STREAM];
  return Promise.all(streams.map((stream) => jsm.streams.info(stream)));
}

async function consumersOf(jsm: JetStreamManager, lanes: readonly Lane[]): Promise<ConsumerInfo[]> {
  return Promise.all(
    lanes.map(({ stream, type, partition }) => jsm.consumers.info(stream, consumerName(type, partition))),
  );
}

async function examinePermissions(session: Session, types: readonly ActorType[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const type of types) {
    for (const [stream, permission] of await checkPublishing(session, type.collection)) {
      findings.push(describePermission(`publish to ${stream}`, permission));
    }
    if (!hasDelays(type)) continue;
    const subject = tickSubject(type, "natstate-doctor");
    findings.push(describeTicks(type, await mayPublish(session, subject)));
  }
  return findings;
}

function describePermission(check: string, permission: Permission): Finding {
  if (permission === "allowed") return ok(check, "allowed");
  const advice = "give this user the permissions of the processor in nats.conf, or set NATS_CREDS";
  if (permission === "refused") return problem(check, "the server refuses it to this user", advice);
  return warning(check, `not known: ${permission.unknown}`, advice);
}

function describeTicks(type: ActorType, permission: Permission): Finding {
  const check = `tell ${type.collection} the time`;
  if (permission === "refused") return problem(check, "the server refuses it to this user", refusedTicks(type));
  return describePermission(check, permission);
}

async function examineReading(jsm: JetStreamManager, { session, lanes, members }: NatsExamination): Promise<Finding[]> {
  const leaders = examineConsumerLeaders(await consumersOf(jsm, lanes));
  if (leaders.level !== "problem") return [leaders, await examineLag(session, lanes, members)];
  return [leaders, warning("lag", "not known while a consumer has no leader", "run this again once all have one")];
}

async function examineLag(session: Session, lanes: readonly Lane[], members: number): Promise<Finding> {
  const behind = (await measureLag(session.jsm, lanes)).filter(({ lag }) => lag > 0);
  const total = behind.reduce((sum, { lag }) => sum + lag, 0);
  if (total === 0) return ok("lag", "everything stored is applied");
  const most = behind
    .sort((a, b) => b.lag - a.lag)
    .slice(0, 3)
    .map(({ lane, lag }) => `${lane.stream} partition ${lane.partition}: ${lag}`);
  const detail = `${total} messages are not applied yet (${most.join(", ")})`;
  if (total < HIGH_LAG && members > 0) return ok("lag", detail);
  return warning("lag", detail, members === 0 ? START : "if it does not fall: npx natstate health, and the log");
}
