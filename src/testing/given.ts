import { AssertionError } from "node:assert";
import { isDeepStrictEqual } from "node:util";
import type { ActorType } from "../actor/actor-type.ts";
import { graceOf } from "../actor/delays.ts";
import type { Outcome } from "../flow/batch-result.ts";
import type { Wait } from "../flow/hosts/waits.ts";
import { endMs } from "../flow/ticks.ts";
import { type HostedActor, hostActor, type Published, type Standing, type Step } from "./hosted-actor.ts";
import { tellStory } from "./story.ts";
import { readTime, type Said, type Time, type Written } from "./written.ts";

/** What is expected of an actor; what is left out may be anything. Compared deeply, and wholly. */
export interface Expected<Type extends ActorType>
  extends Partial<Pick<Standing, "state" | "value" | "context" | "view" | "completeness" | "waitingFor">> {
  /** When its next delay ends, null when it waits for none; or all of them, the earliest first. */
  readonly due?: Time | null | readonly { readonly path: string; readonly at: Time }[];
  /** What the standing decision says, null when none stands. */
  readonly decision?: Said<Type> | null;
  /** What each decision says that was ever published, in order. */
  readonly decisions?: readonly Said<Type>[];
  /**
   * What became of each event heard since the last `then`. Without it, none may have been refused or have stopped the actor.
   */
  readonly outcomes?: readonly Outcome[];
}

/** An actor's specification, step by step; each step returns it. */
export interface Specification<Type extends ActorType> {
  /** It hears more. @param at - when the stream stored it; absent: when it happened, or now when that is past. */
  heard(events: readonly Written<Type>[], at?: Time): Specification<Type>;
  /** That time has come, nothing else was heard, and nothing earlier is waited for: delays due by then have ended. */
  at(time: Time): Specification<Type>;
  /** @throws AssertionError with what happened when the actor is not as expected. */
  then(expected: Expected<Type>): Specification<Type>;
}

const SECOND_MS = 1000;
/** Before the first event. */
const START = "2026-01-01T00:00:00.000Z";

/**
 * An actor that has heard these events, on the daemon's own path, without NATS and without a store. No time passes but what
 * `at` lets pass: `given(checkout, [started]).at("10:30").then({ state: "expired" })`.
 *
 * @param events - in the order in which they are heard, which need not be that in which they happened.
 */
export function given<Type extends ActorType>(
  actor: Type,
  events: readonly Written<Type>[],
  at?: Time,
): Specification<Type> {
  const hosted = hostActor(actor, `${actor.name}-1`);
  let nowMs = 0;
  let latest = new Date(Date.parse(START) - SECOND_MS).toISOString();
  /** Steps that were looked at; undefined before the first `then`. */
  let told: number | undefined;

  /** The stream's clock goes on: who is due, and waited for no longer, has a tick by then. */
  function goOn(toMs: number): void {
    for (;;) {
      const due = hosted.standing().due[0]?.at;
      // No event of before it is waited for any more.
      if (due === undefined || endMs(due) + graceOf(actor) > toMs) break;
      hosted.pass(due, nowMs);
    }
    nowMs = Math.max(nowMs, toMs);
  }

  const specification: Specification<Type> = {
    heard(more, at) {
      for (const event of more) {
        const { timestamp = new Date(Date.parse(latest) + SECOND_MS).toISOString() } = event;
        latest = readTime(timestamp);
        goOn(at === undefined ? Date.parse(latest) : Date.parse(readTime(at)));
        hosted.hear({ ...event, timestamp: latest } as Published, nowMs);
      }
      return specification;
    },
    at(time) {
      const passed = readTime(time);
      hosted.pass(passed, nowMs);
      nowMs = Math.max(nowMs, Date.parse(passed));
      latest = passed;
      return specification;
    },
    // biome-ignore lint/suspicious/noThenProperty: given, when, then; who awaits it all the same is told below.
    then(expected) {
      if (typeof expected === "function") endAwait(expected, told !== undefined);
      assertStanding(hosted, expected, hosted.steps().slice(told));
      told = hosted.steps().length;
      return specification;
    },
  };
  return specification.heard(events, at);
}

/**
 * `await` takes whatever has a `then` for a promise, and so does a test runner for what a test returns. There is nothing to
 * wait for; a specification that says nothing of what is expected is a mistake.
 */
function endAwait(resolve: (value: undefined) => void, isAsserted: boolean): never {
  if (!isAsserted) throw new Error("a specification is awaited that expects nothing: end it with .then({ ... })");
  return resolve(undefined) as never;
}

function assertStanding<Type extends ActorType>(
  hosted: HostedActor,
  expected: Expected<Type>,
  since: readonly Step[],
): void {
  const { outcomes, due, ...others } = expected;
  const standing: Standing = hosted.standing();
  const events = since.filter(({ heard }) => heard !== undefined);
  const all = {
    ...standing,
    due: typeof due === "object" && due !== null ? standing.due : (standing.due[0]?.at ?? null),
    decisions: hosted.decisions(),
    outcomes: events.map(({ outcome }) => outcome),
  };
  const wanted = { ...others, ...(due !== undefined && { due: readDue(due) }), ...(outcomes && { outcomes }) };
  const found = Object.fromEntries(Object.keys(wanted).map((name) => [name, all[name as keyof typeof all]]));
  const problem = outcomes === undefined ? since.find((step) => step.problem !== undefined)?.problem : undefined;
  if (problem === undefined && isDeepStrictEqual(found, wanted)) return;
  const story = tellStory(hosted.steps()).map((line) => `  ${line}`);
  const message = [problem ?? "not as expected", "what happened:", ...story].join("\n");
  throw new AssertionError({ message, actual: found, expected: wanted, operator: "deepStrictEqual" });
}

function readDue(due: NonNullable<Expected<ActorType>["due"]> | null): string | null | readonly Wait[] {
  if (due === null) return null;
  return typeof due === "string" ? readTime(due) : due.map(({ path, at }) => ({ path, at: readTime(at) }));
}
