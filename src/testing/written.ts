import type { z } from "zod";
import type { ActorType, DecisionContent } from "../actor/actor-type.ts";
import type { Beside } from "../actor/define-contract.ts";
import { normaliseTimestamp } from "../actor/event-time.ts";

/**
 * A moment: RFC 3339 as a publisher writes it (`2026-01-03T10:30:00Z`), or shorter `10:30`, `10:30:15`, `10:30:15.250` on
 * 1 January 2026, or `3 10:30` on the third.
 */
export type Time = string;

/** The fields of an event besides those of its contract. */
interface Envelope {
  /** When it happened. Absent: a second after the one before. */
  readonly timestamp?: Time;
  /** Two of one type with the same id are one event. Absent: two with the same content are. */
  readonly eventId?: string;
  readonly correlationId?: string;
}

type Contract = Readonly<Record<string, z.ZodType<Record<string, unknown>>>>;

/** An event as its publisher writes it, without the actor's id: `{ eventType: "CheckoutStarted", total: 40 }`. */
export type Written<Type extends { readonly events: Contract }> = string extends keyof Type["events"]
  ? Envelope & { readonly eventType: string; readonly [field: string]: unknown }
  : {
      [Name in keyof Type["events"] & string]: Envelope & { readonly eventType: Name } & Beside<
          z.input<Type["events"][Name]>
        >;
    }[keyof Type["events"] & string];

/** What a decision of the type says; by its contract where it has one for decisions. */
export type Said<Type extends Pick<ActorType, "events" | "decisions">> =
  NonNullable<Type["decisions"]> extends infer Decisions extends Contract
    ? string extends keyof Decisions
      ? DecisionContent
      : {
          [Name in keyof Decisions & string]: { readonly decisionType: Name } & Beside<z.output<Decisions[Name]>>;
        }[keyof Decisions & string]
    : DecisionContent;

/** @returns normalised. @throws when it is no {@link Time}. */
export function readTime(text: Time): string {
  const [, day = "1", clock = "", seconds = ":00"] = /^(?:(\d{1,2}) )?(\d\d:\d\d)(:\d\d(?:\.\d+)?)?$/.exec(text) ?? [];
  const read = normaliseTimestamp(clock === "" ? text : `2026-01-${day.padStart(2, "0")}T${clock}${seconds}Z`);
  if (read === null) throw new TypeError(`${JSON.stringify(text)} is no time: expected 10:30 or 2026-01-01T10:30:00Z`);
  return read;
}

/** @returns as short as {@link Time} may be. */
export function writeTime(timestamp: string): string {
  const [, day, clock = "", rest = ""] = /^2026-01-(\d\d)T(\d\d:\d\d)(.*)Z$/.exec(timestamp) ?? [];
  if (day === undefined) return timestamp.replace(".000Z", "Z");
  const seconds = rest.replace(/\.000$/, "").replace(/^:00$/, "");
  return `${day === "01" ? "" : `${Number(day)} `}${clock}${seconds}`;
}
