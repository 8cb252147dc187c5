import type { ActorType } from "../actor/actor-type.ts";
import { ReplayError, rebuildActor } from "../flow/hot-actors.ts";
import { createActorAnswers } from "./actor-answers.ts";
import type { QuarantineQueries } from "./quarantine.ts";
import type { Queries } from "./queries.ts";
import type { BlankActor, StoredAnswers } from "./stored-answers.ts";

/** All questions, answered from committed rows. */
export interface Answers extends Queries, QuarantineQueries {
  close(): void;
}

/** Joins what the store knows with what the machines make of it. */
export function createAnswers({ rows, ...stored }: StoredAnswers): Answers {
  return {
    ...stored,
    ...createActorAnswers(rows),
    list: (type, filter, partitions) => stored.list(type, filter, startBlank(type), partitions),
  };
}

/** Asked for each page, as it costs some microseconds. */
function startBlank(type: ActorType): BlankActor {
  try {
    const live = rebuildActor(type, []);
    return { state: live.state(), completeness: type.completeness(live.snapshot()) };
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    return { state: type.states[0] ?? "", completeness: 0 };
  }
}
