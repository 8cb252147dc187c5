import type { ActorType } from "../actor/actor-type.ts";
import type { Standing } from "../answers/find-actor.ts";
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

export interface Sources extends Standing {
  readonly types: readonly ActorType[];
  readonly queries: Queries & Pick<QuarantineQueries, "quarantined">;
  readonly questions: Questions;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  readonly health: { live(): boolean; ready(): Readiness };
  /** All daemons as one. */
  readonly whole: Whole;
  /** Those that share the partitions, each as it has said last. */
  readonly daemons: () => readonly Member[];
}
