import type { Lane } from "../wire/lanes.ts";
import type { Journal } from "./journal.ts";
import type { RetiredRows } from "./retired.ts";
import type { RetiredRow } from "./rows.ts";

/** What a copy of a lane asks of its owner: releases and retirements, which no message of a stream tells. */
export interface AlikeQuestion {
  /** Actors that are quarantined in the copy, by id. */
  readonly quarantined: readonly string[];
  /** Actors that are settled in the copy, and old enough, by id. */
  readonly settled: readonly string[];
}

export interface AlikeAnswer {
  /** Of the lane, where the owner is. */
  readonly checkpoint: number;
  /** Those of the quarantined that are so with the owner. */
  readonly quarantined: readonly string[];
  /** Those of the settled that the owner has retired, with what it retired. */
  readonly retired: readonly Pick<RetiredRow, "actorId" | "digest" | "revision">[];
}

/** What the owner of a lane says of it to who keeps a copy. */
export function tellAlike(
  {
    journal,
    rows,
  }: { readonly journal: Pick<Journal, "checkpoint" | "isQuarantined">; readonly rows: Pick<RetiredRows, "find"> },
  lane: Lane,
  { quarantined, settled }: AlikeQuestion,
): AlikeAnswer {
  const type = lane.type.name;
  const retired = settled.map((actorId) => rows.find(type, actorId)).filter((row) => row !== undefined);
  return {
    checkpoint: journal.checkpoint(lane),
    quarantined: quarantined.filter((actorId) => journal.isQuarantined(type, actorId)),
    retired: retired.map(({ actorId, digest, revision }) => ({ actorId, digest, revision })),
  };
}
