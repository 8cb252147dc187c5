import type { ActorType } from "../actor/actor-type.ts";
import { measure, NOTHING_HEARD } from "../actor/conclude.ts";
import { ReplayError, rebuildActor } from "../flow/rebuild.ts";
import { createActorAnswers } from "./actor-answers.ts";
import {
  presentDeadLetter,
  presentDeadLetters,
  presentList,
  presentNextDue,
  presentQuarantine,
  presentQuarantined,
  presentRetired,
  presentStats,
  rfc3339,
} from "./present-rows.ts";
import type { QuarantineQueries } from "./quarantine.ts";
import type { Queries } from "./queries.ts";
import type { BlankActor, StoredRows } from "./stored-rows.ts";

/** All questions, answered from committed rows. */
export interface Answers extends Queries, QuarantineQueries {
  close(): void;
}

/** Joins what the store knows with what the machines make of it. */
export function createAnswers(stored: StoredRows): Answers {
  return {
    ...createActorAnswers(stored.history),
    retired(type, actorId) {
      const row = stored.retired(type, actorId);
      return row && presentRetired(type, row);
    },
    list: (type, filter, partitions) =>
      presentList(type, filter, stored.list(type, filter, startBlank(type), partitions)),
    stats: (type, partitions) => presentStats(type, stored.tallies(type, partitions)),
    undecidedSince: stored.undecidedSince,
    nextDue: (type, partitions) => presentNextDue(type, stored.nextDue(type, partitions)),
    asOf(type, partitions) {
      const ms = stored.asOfMs(type, partitions);
      return ms === null ? null : rfc3339(ms);
    },
    deadLetters: (type, filter, partitions) => presentDeadLetters(stored.deadLetters(type, filter, partitions)),
    deadLetter(type, sequence, partitions) {
      const row = stored.deadLetter(type, sequence, partitions);
      return row && presentDeadLetter(row);
    },
    quarantined(type, filter) {
      const rows = stored.quarantined(type, filter);
      const entries = rows.slice(0, filter.limit).map((row) => presentQuarantined(type, row));
      return { [type.collection]: entries, more: rows.length > filter.limit };
    },
    quarantine(type, actorId) {
      const row = stored.quarantine(type, actorId);
      return row && presentQuarantine(type, row);
    },
    close: stored.close,
  };
}

/** Asked for each page, as it costs some microseconds. */
function startBlank(type: ActorType): BlankActor {
  try {
    const live = rebuildActor(type, `some-${type.name}`, []);
    return { state: live.state(), completeness: measure(type, live.snapshot(), NOTHING_HEARD) };
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    return { state: type.states[0] ?? "", completeness: 0 };
  }
}
