import type { ActorType } from "../actor/actor-type.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { Queries, RetiredAnswer } from "./queries.ts";

/**
 * Where an actor's partition is read: by this daemon; by another one, so that what is here of it is of the past; or by
 * this one, which has not yet read what the stream holds.
 */
export type Whereabouts = "here" | "elsewhere" | "catching_up";

/** What is found of an actor; of one of which nothing is found here, why, and in words. */
export type Finding = { readonly kind: "found"; readonly answer: object } | { readonly kind: "elsewhere" } | Absence;

export interface Absence {
  /** `not_yet`: it cannot be said that there is none. */
  readonly kind: "retired" | "not_yet" | "unknown";
  readonly message: string;
  /** When it is `retired`. */
  readonly retired?: RetiredAnswer;
}

/** How an absence is told: the status, as in HTTP, and the word that programs read. */
export const ABSENCES = {
  not_yet: { status: 503, code: "unavailable" },
  retired: { status: 410, code: "retired" },
  unknown: { status: 404, code: "not_found" },
} as const satisfies Record<Absence["kind"], object>;

export interface Asked {
  readonly type: ActorType;
  readonly actorId: string;
  /** The id as it is said to whoever asks. */
  readonly quoted: string;
  /** Among whom it is looked for. */
  readonly among?: "here" | "in quarantine" | undefined;
}

/** What an answer of this daemon is worth: which actors it is about, and whether it is of now. */
export interface Standing {
  whereabouts(type: ActorType, actorId: string): Whereabouts;
  /** What is to be said with an answer about an actor, or about all of a type's that are ours, when it may be of the past. */
  pastOf(type: ActorType, actorId?: string): Past | undefined;
  /** Has one of our partitions of a type become ours a moment ago, and is still being read? */
  isSettling(type: ActorType): boolean;
  /** Our partitions of a type, undefined for all: then nobody else is asked. */
  ownedPartitions(type: ActorType): readonly number[] | undefined;
}

type ActorPlaces = Pick<Standing, "whereabouts" | "pastOf"> & Pick<Queries, "retired">;

/**
 * Answers a question about one actor, or says why not: the one rule, whoever asks.
 *
 * @param ask - finds it; not asked about an actor that another daemon has now: what is here of it is of the past.
 */
export function* findActor(places: ActorPlaces, asked: Asked, ask: Pieces<object | undefined>): Pieces<Finding> {
  const { type, actorId } = asked;
  // Both before it is read: what is known to be all by then is.
  const where = places.whereabouts(type, actorId);
  if (where === "elsewhere") return { kind: where };
  const past = places.pastOf(type, actorId);
  const found = yield* ask;
  if (found !== undefined) return { kind: "found", answer: { ...found, ...past } };
  // It may have become another's meanwhile: that one knows.
  if (places.whereabouts(type, actorId) === "elsewhere") return { kind: "elsewhere" };
  return whyAbsent(asked, where, places.retired(type, actorId));
}

/** Why nothing is found of an actor: by where its partition is read, and by what is left of it. */
export function whyAbsent(
  { type, actorId, quoted, among = "here" }: Asked,
  where: Exclude<Whereabouts, "elsewhere">,
  retired?: RetiredAnswer,
): Absence {
  const name = `${type.name} ${JSON.stringify(actorId)}`;
  if (retired !== undefined) return { kind: "retired", message: describeRetired(type, actorId, retired), retired };
  if (where === "catching_up") {
    return { kind: "not_yet", message: `${name} is not here yet: its partition is still being read, ask again` };
  }
  return { kind: "unknown", message: `no ${type.name} ${quoted} ${among}; ids are case-sensitive` };
}

/** Why there is no dead letter of this sequence. @param past - of those who were asked: one of them may come to it. */
export function whyNoLetter(named: string, past: Past | undefined): Absence {
  const name = `dead letter '${named.slice(0, 128)}'`;
  if (past !== undefined) {
    return { kind: "not_yet", message: `${name} is not here yet: a partition is still being read, ask again` };
  }
  const message = `no ${name} here; they are named by their sequence in the event stream`;
  return { kind: "unknown", message };
}

/**
 * Said with an answer, as fields of its own, that may be of the past: not everything stored of a partition it rests on is
 * known to be applied. An answer without them is of now.
 */
export interface Past {
  readonly catchingUp: true;
  /** Stream time of the latest event applied of these partitions (of the one furthest behind), null when not known. */
  readonly asOf: string | null;
  /** With answers about more than one actor. */
  readonly catchingUpPartitions?: readonly number[];
}

/** What is said with an answer. */
export function readPast(answer: object): Past | undefined {
  const { catchingUp, asOf = null, catchingUpPartitions } = answer as Partial<Past>;
  if (catchingUp !== true) return undefined;
  return { catchingUp, asOf, ...(catchingUpPartitions && { catchingUpPartitions }) };
}

/** What is to be said with what several answers give together. */
export function joinPasts(answers: readonly object[]): Past | undefined {
  const pasts = answers.flatMap((answer) => readPast(answer) ?? []);
  if (pasts.length === 0) return undefined;
  const times = pasts.map(({ asOf }) => asOf);
  const partitions = new Set(pasts.flatMap(({ catchingUpPartitions = [] }) => catchingUpPartitions));
  return {
    catchingUp: true,
    asOf: times.includes(null) ? null : (times.sort()[0] ?? null),
    catchingUpPartitions: [...partitions].sort((a, b) => a - b),
  };
}

/** A retired actor for a person, on one line. */
export function describeRetired(type: ActorType, actorId: string, answer: RetiredAnswer): string {
  const { status, retiredAt, lastUpdated, version, revision, parked } = answer;
  const known = `${type.name} ${actorId} is retired since ${retiredAt}: ${version} events, the last one of ${lastUpdated}, revision ${revision}`;
  switch (status) {
    case "kept":
      return `${known}. The next event about it brings it back, as long as the streams hold all of it`;
    case "wanted":
      return `${known}. It is being brought back for ${parked} late events`;
    case "lost":
      return `${known}. The streams no longer hold all of it: further events about it are dead-lettered as actor_retired`;
    default:
      return status satisfies never;
  }
}
