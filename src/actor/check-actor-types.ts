import { crc32 } from "node:zlib";
import { showToRules } from "./actor-snapshot.ts";
import type { ActorSnapshot, ActorType } from "./actor-type.ts";
import { asError } from "./as-error.ts";
import { createBoundedActor } from "./bounded-actor.ts";
import { checkContract } from "./check-contract.ts";
import { draw, groundless, measure, NOTHING_HEARD } from "./conclude.ts";
import { DECISION_ENVELOPE } from "./decision.ts";
import { TIME_PASSED } from "./delays.ts";
import { findNonDeterminism } from "./determinism.ts";
import { seal } from "./seal.ts";
import { findSecondCopies } from "./second-copy.ts";
import { leafPaths, nodesOf, pathOf } from "./state-text.ts";
import { findRefusals } from "./statechart-refusals.ts";

/** Fields of an answer about an actor that a view must leave free. */
export const ANSWER_FIELDS = [
  "processingStatus",
  "state",
  "value",
  "due",
  "dataCompleteness",
  "decision",
  "version",
  "lastUpdated",
  "eventHistory",
  "waitingFor",
  "quarantine",
];
/** Fields of every event and of every decision. */
const ENVELOPE_FIELDS = ["eventType", "eventId", "timestamp", "decisionType", ...DECISION_ENVELOPE];
/** First tokens of subjects, and parts of HTTP paths, that have another meaning. */
const RESERVED = [
  "decisions",
  "deadletters",
  "dead-letters",
  "natstate",
  "types",
  "daemons",
  "machine",
  "stats",
  "live",
];
/** Fields of the counts, in which the collection is one, too. */
const COUNTS = ["completeness", "events", "quarantined", "retired", "standing"];
const TOKEN = /^[a-z][a-z0-9-]*$/;
const FIELD = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** The last token of a subject, in which a colon stands for a dot. */
const EVENT_TYPE = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
const MAX_EVENT_TYPE = 256;

/** @returns what is wrong with the actor types, a line each, each line with the type's name; empty when nothing is. */
export function checkActorTypes(types: readonly ActorType[]): string[] {
  if (types.length === 0) return ["there is no actor type: add one to machines/registry.ts"];
  return types.flatMap((type, index) => {
    const others = types.slice(0, index);
    const copies = findSecondCopies(type);
    // Nothing else that would be said of them is true.
    const problems =
      copies.length > 0
        ? copies
        : [
            ...checkNames(type, others),
            ...checkMachine(type),
            ...checkOrdering(type),
            ...checkContract(type),
            ...checkDecisions(type),
            ...checkRules(type),
          ];
    return problems.map((problem) => `actor type ${JSON.stringify(type.name)}: ${problem}`);
  });
}

function* checkNames(
  { name, collection, idField, version }: ActorType,
  others: readonly ActorType[],
): Generator<string> {
  for (const [field, value] of Object.entries({ name, collection })) {
    if (!TOKEN.test(value)) yield `${field} ${JSON.stringify(value)} is not lower-case letters, digits and hyphens`;
  }
  if (!FIELD.test(idField)) yield `idField ${JSON.stringify(idField)} is not letters, digits and underscores`;
  if ([...ENVELOPE_FIELDS, ...ANSWER_FIELDS].includes(idField)) {
    yield `idField ${JSON.stringify(idField)} is a field that events, decisions or answers have already`;
  }
  if ([...RESERVED, ...COUNTS].includes(collection))
    yield `collection ${JSON.stringify(collection)} is taken by natstate itself`;
  // Members compare them, decisions carry them.
  if (!Number.isSafeInteger(version) || version < 0) yield `version ${version} is not a whole number`;
  if (others.some((other) => other.name === name)) yield "there is another of this name";
  if (others.some((other) => other.collection === collection)) {
    yield `there is another with the collection ${JSON.stringify(collection)}`;
  }
}

function* checkMachine({ machine, states, events }: ActorType): Generator<string> {
  const leaves = leafPaths(machine.root);
  if ([...leaves].sort().join() !== [...states].sort().join()) {
    yield `states are ${states.join(", ")}, those of its machine are ${leaves.join(", ")}`;
  }
  if (Object.keys(events).length === 0) yield "it has no event types";
  for (const type of Object.keys(events)) {
    if (/^xstate\b/.test(type)) yield `event type ${JSON.stringify(type)} is not for others: it is XState's own`;
    else if (type.endsWith("*"))
      yield `event type ${JSON.stringify(type)} is a key for several: name each of them here`;
    else if (!EVENT_TYPE.test(type)) {
      yield `event type ${JSON.stringify(type)} is not letters, digits, hyphens and underscores, with single dots between them${suggest(type)}`;
    } else if (type.length > MAX_EVENT_TYPE) {
      yield `event type ${JSON.stringify(type)} is longer than ${MAX_EVENT_TYPE} characters`;
    }
    if (type === TIME_PASSED) yield `event type ${type} is reserved: natstate says with it up to when time has passed`;
    // By it an actor's row says which types were heard.
    const other = Object.keys(events).find((name) => name < type && crc32(name) === crc32(type));
    if (other !== undefined) yield `event types ${other} and ${type} have the same CRC-32: rename one of them`;
  }
}

/** `user logged in` may be `UserLoggedIn`, and `user:logged in` `user.loggedIn`. */
function suggest(type: string): string {
  const plain = type.normalize("NFD").replace(/\p{M}/gu, "");
  const parts = plain.split(/[.:/]/).flatMap((part) => {
    const [first, ...others] = part.match(/[A-Za-z0-9_-]+/g) ?? [];
    return first === undefined ? [] : [first + others.map(capitalise).join("")];
  });
  const name = parts.length === 1 ? capitalise(String(parts[0])) : parts.join(".");
  return name === "" ? "" : `: call it ${name}, say, here and in the machine`;
}

function capitalise(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** What of the machine its ordering does not allow. */
function* checkOrdering({
  machine,
  ordering = "event-time",
  graceMs,
  aheadMs,
  latenessMs,
  maxFacts,
  maxDelays,
}: ActorType): Generator<string> {
  for (const [name, ms] of Object.entries({ graceMs, aheadMs, latenessMs })) {
    if (ms !== undefined && !(Number.isFinite(ms) && ms >= 0)) yield `${name} ${ms} is not 0 or more milliseconds`;
  }
  for (const [name, most] of Object.entries({ maxFacts, maxDelays })) {
    if (most !== undefined && !(Number.isInteger(most) && most >= 1))
      yield `${name} ${most} is not a whole number from 1`;
  }
  yield* findRefusals(machine);
  if (ordering === "event-time") return;
  if (ordering !== "merge")
    yield `ordering ${JSON.stringify(ordering satisfies never)} is neither event-time nor merge`;
  for (const node of nodesOf(machine.root)) {
    if (node.after.length > 0)
      yield `state ${pathOf(node)} has a delay (after): a machine that merges knows no time; leave out ordering, and it may`;
  }
}

function* checkDecisions({ decisionTypes, decisions, withdrawn }: ActorType): Generator<string> {
  if (!decisionTypes.includes(withdrawn)) yield `withdrawn ${JSON.stringify(withdrawn)} is none of its decisionTypes`;
  const described = Object.keys(decisions ?? {});
  const missing = decisions === undefined ? [] : decisionTypes.filter((name) => !described.includes(name));
  if (missing.length > 0) yield `decisions does not describe ${missing.join(", ")}`;
  const unknown = described.filter((name) => !decisionTypes.includes(name));
  if (unknown.length > 0) yield `decisions describes ${unknown.join(", ")}, none of its decisionTypes`;
  if (decisions?.[withdrawn]?.safeParse({}).success === false)
    yield `decisions wants fields of ${withdrawn}: it has none`;
}

/** Whatever an actor nothing is known of shows. */
function* checkRules(type: ActorType): Generator<string> {
  let asked = "machine, whose input is { id },";
  try {
    const start = () => createBoundedActor(type.machine, { input: { id: `some-${type.name}` } }).getSnapshot();
    const snapshot = start();
    if (snapshot.status === "error") throw asError(snapshot.error);
    yield* one(seal("context", snapshot.context));
    const actor = showToRules(snapshot);
    asked = "rule for completeness";
    measure(type, actor, NOTHING_HEARD);
    asked = "rule that concludes";
    draw(type, type.conclude(actor), null, groundless(type));
    asked = "view, or what else answers show,";
    yield* checkAnswer(type, actor);
    const dependsOn = findNonDeterminism(() => [
      showToRules(start()),
      draw(type, type.conclude(actor), null, groundless(type)),
      measure(type, actor, NOTHING_HEARD),
    ]);
    if (dependsOn !== undefined)
      yield `its machine or rules depend on ${dependsOn}: what they come to must be the same always`;
  } catch (error) {
    yield `its ${asked} fails on an actor nothing is known of: ${asError(error).message}`;
  }
}

function* checkAnswer({ view, waitingFor, samples, idField }: ActorType, actor: ActorSnapshot): Generator<string> {
  const shown: object = view(actor);
  const taken = Object.keys(shown).filter((key) => [...ANSWER_FIELDS, idField].includes(key));
  if (taken.length > 0) yield `its view has ${taken.join(", ")}: answers have a field of that name`;
  yield* one(seal("view", shown));
  yield* one(seal("waitingFor", waitingFor(actor)));
  yield* one(seal("samples", samples?.(actor) ?? []));
}

function one(problem: string | undefined): string[] {
  return problem === undefined ? [] : [problem];
}
