import type { ActorType } from "../actor/actor-type.ts";
import { canDecide } from "../actor/conclude.ts";
import { normaliseTimestamp } from "../actor/event-time.ts";
import { pathsOf } from "../actor/state-text.ts";
import { ACTOR_ID, ACTOR_ID_EXPECTED } from "../wire/names.ts";
import { REJECTION_REASONS } from "../wire/rejection.ts";
import { type CursorOrder, decodeCursor } from "./cursor.ts";
import type { DeadLetterFilter } from "./dead-letters.ts";
import type { QuarantineFilter } from "./quarantine.ts";
import { type ListFilter, STEPS_LIMIT } from "./queries.ts";

/** What was asked, before it is checked: a URL's query (text) or a JSON object. */
export type Parameters = Readonly<Record<string, unknown>>;

/** A question that cannot be answered as it was asked. */
export interface Refused {
  /** One line that names every parameter in the way and what was expected of it. */
  readonly problem: string;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
/** As a filter: no decision stands. */
const NO_DECISION = "none";

/**
 * Reads the parameters of a list: `state` (a path: also all below it), `decision` (a type, or `none`), `incomplete`
 * (boolean), `completeness` (whole percent), `waitingFor` (an event type of which none was heard), `quarantined` (boolean),
 * `idPrefix`, `updatedBefore` and `dueBefore` (RFC 3339 with a zone), `limit` (1 to 200, 50 by default), `cursor`. Any other
 * name is refused.
 */
export function readListFilter(type: ActorType, parameters: Parameters): ListFilter | Refused {
  const read = createReader(parameters);
  const standing = type.decisionTypes.filter((name) => name !== type.withdrawn);
  const state = read.oneOf("state", pathsOf(type.states));
  const decision = read.decision(
    [...standing, NO_DECISION],
    (name) => name !== type.withdrawn && canDecide(type, name),
  );
  const filter = {
    state,
    decision: decision === NO_DECISION ? null : decision,
    incomplete: read.boolean("incomplete"),
    completeness: read.percent("completeness"),
    waitingFor: read.oneOf("waitingFor", Object.keys(type.events)),
    quarantined: read.boolean("quarantined"),
    idPrefix: read.idPrefix("idPrefix"),
    updatedBeforeMs: read.time("updatedBefore"),
    dueBeforeMs: read.time("dueBefore"),
    limit: read.limit(),
  };
  return read.finish({ ...filter, after: read.cursor(listOrder(filter)) });
}

export type ListOrder = Exclude<CursorOrder, "dead">;

/** In which order a filter's answer is given. */
export function listOrder(filter: Omit<ListFilter, "limit">): ListOrder {
  const { idPrefix, quarantined, dueBeforeMs } = filter;
  if (idPrefix !== undefined || quarantined) return "id";
  return dueBeforeMs === undefined ? "seen" : "due";
}

/** Can only incomplete actors be the answer? */
export function asksForIncomplete(filter: Omit<ListFilter, "limit">): boolean {
  const { incomplete, completeness = 100, waitingFor } = filter;
  return incomplete === true || completeness < 100 || waitingFor !== undefined;
}

/** Reads the parameters of a list of dead letters: `reason`, `limit` (1 to 200, 50 by default), `cursor`. */
export function readDeadLetterFilter(parameters: Parameters): DeadLetterFilter | Refused {
  const read = createReader(parameters);
  return read.finish({
    reason: read.oneOf("reason", REJECTION_REASONS),
    limit: read.limit(),
    after: read.cursor("dead"),
  });
}

/** Reads the parameters of "what may come next": `at`, after so many events, by default after all. */
export function readMoment(parameters: Parameters): { readonly at?: number | undefined } | Refused {
  const read = createReader(parameters);
  return read.finish({ at: read.step("at") });
}

/** Reads which dead letter: `sequence`, in the type's stream. */
export function readSequence(parameters: Parameters): { readonly sequence: number } | Refused {
  const { sequence } = parameters;
  return Number.isSafeInteger(sequence) && Number(sequence) > 0
    ? { sequence: Number(sequence) }
    : { problem: "sequence: expected a whole number above 0" };
}

/** Of one answer; far below the 1 MiB a NATS message may have. */
const QUARANTINE_PAGE = 500;

/** Reads the parameters of a list of quarantined actors: `after` (the id it begins behind). */
export function readQuarantineFilter(parameters: Parameters): QuarantineFilter | Refused {
  const read = createReader(parameters);
  const after = read.idPrefix("after");
  return read.finish({ limit: QUARANTINE_PAGE, ...(after !== undefined && { after }) });
}

/** Reads the parameters of an inspection: `redact` (boolean). */
export function readInspection(parameters: Parameters): { readonly redact?: boolean | undefined } | Refused {
  const read = createReader(parameters);
  return read.finish({ redact: read.boolean("redact") });
}

/** Reads one parameter that is one of a few names, or absent. */
export function readChoice<Name extends string>(
  parameters: Parameters,
  name: string,
  allowed: readonly Name[],
): { readonly chosen?: Name | undefined } | Refused {
  const read = createReader(parameters);
  return read.finish({ chosen: read.oneOf(name, allowed) });
}

/** Refuses any parameter: the question takes none. */
export function readNoFilter(parameters: Parameters): Refused | Parameters {
  return createReader(parameters).finish({});
}

export function isRefused(filter: object): filter is Refused {
  return "problem" in filter;
}

function createReader(parameters: Parameters) {
  const problems: string[] = [];
  const known: string[] = [];

  /** The parameter as `parse` takes it, which answers undefined for what it does not accept. */
  function read<Value>(name: string, expected: string, parse: (value: unknown) => Value | undefined) {
    known.push(name);
    const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (value === undefined || value === null) return undefined;
    const parsed = parse(value);
    if (parsed === undefined) problems.push(`${name}: ${quote(value)} is not ${expected}`);
    return parsed;
  }

  return {
    oneOf: <Name extends string>(name: string, allowed: readonly Name[]) =>
      read(name, `one of ${allowed.join(", ")}`, (value) => allowed.find((candidate) => candidate === value)),
    /** @param isAllowed - what else may be asked for. */
    decision: (names: readonly string[], isAllowed: (name: unknown) => boolean) =>
      read("decision", `one of ${names.join(", ")}`, (value) =>
        names.includes(value as string) || isAllowed(value) ? (value as string) : undefined,
      ),
    boolean: (name: string) => read(name, "true or false", asBoolean),
    time: (name: string) => read(name, "RFC 3339 with a zone, for example 2026-01-31T12:00:00Z", asTime),
    percent: (name: string) => read(name, "a whole number from 0 to 100", (value) => asWhole(value, 0, 100)),
    step: (name: string) =>
      read(name, `a whole number from 0 to ${STEPS_LIMIT}`, (value) => asWhole(value, 0, STEPS_LIMIT)),
    /** Also an id, or the beginning of one. */
    idPrefix: (name: string) =>
      read(name, `the beginning of an id: ${ACTOR_ID_EXPECTED}`, (value) =>
        typeof value === "string" && ACTOR_ID.test(value) ? value : undefined,
      ),
    limit: () =>
      read("limit", `a whole number from 1 to ${MAX_LIMIT}`, (value) => asWhole(value, 1, MAX_LIMIT)) ?? DEFAULT_LIMIT,
    cursor: (order: CursorOrder) =>
      read("cursor", "the nextCursor of a page with the same filters", (value) =>
        typeof value === "string" ? (decodeCursor(order, value) ?? undefined) : undefined,
      ),
    finish<Filter>(filter: Filter): Filter | Refused {
      for (const name of Object.keys(parameters)) {
        if (known.includes(name)) continue;
        problems.push(
          `${quote(name)} is not a parameter here${known.length === 0 ? "" : `; those are ${known.join(", ")}`}`,
        );
      }
      return problems.length === 0 ? filter : { problem: problems.join("; ") };
    },
  };
}

function asBoolean(value: unknown): boolean | undefined {
  if (value === true || value === "true") return true;
  return value === false || value === "false" ? false : undefined;
}

function asTime(value: unknown): number | undefined {
  const timestamp = typeof value === "string" ? normaliseTimestamp(value) : null;
  return timestamp === null ? undefined : Date.parse(timestamp);
}

function asWhole(value: unknown, least: number, most: number): number | undefined {
  const number = typeof value === "string" && /^\d{1,3}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= least && number <= most
    ? number
    : undefined;
}

/** In ASCII: the line also goes into a NATS header. */
function quote(value: unknown): string {
  const text = JSON.stringify(value).replace(/[^\x20-\x7e]/g, "?");
  return text.length > 64 ? `${text.slice(0, 64)}...` : text;
}
