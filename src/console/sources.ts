import type { ActorType } from "../actor/actor-type.ts";
import type { PastOf, Whereabouts } from "../answers/find-actor.ts";
import type { QuarantineQueries } from "../answers/quarantine.ts";
import type { Queries } from "../answers/queries.ts";
import type { Questions } from "../answers/questions.ts";
import type { Member } from "../members/member.ts";
import type { Whole } from "../members/whole.ts";

/** What `/readyz` says: ready when every check is ok. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
}

/** Where the answers come from. */
export interface Sources {
  readonly types: readonly ActorType[];
  readonly queries: Queries & Pick<QuarantineQueries, "quarantined">;
  /** Absent: nobody else asks. */
  readonly questions?: Questions;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  readonly health: { live(): boolean; ready(): Readiness };
  /** Absent: everything is here. */
  readonly whereabouts?: (type: ActorType, actorId: string) => Whereabouts;
  /** Absent: all answers are of now. */
  readonly pastOf?: PastOf;
  /** Our partitions of a type; undefined is all, and then nobody else is asked. */
  readonly ownedPartitions?: (type: ActorType) => readonly number[] | undefined;
  /** Has one of them become ours a moment ago, and is still being read? Absent: never. */
  readonly isSettling?: (type: ActorType) => boolean;
  /** All daemons as one. Absent: there is only this one. */
  readonly whole?: Whole;
  /** Those that share the partitions, each as it has said last. Absent: nobody asks. */
  readonly daemons?: () => readonly Member[];
}
