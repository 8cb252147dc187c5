import { crc32 } from "node:zlib";
import { type StoredAnchor, storeAnchors } from "./stored-timeline.ts";
import type { Acted, Heard, Timeline } from "./timeline.ts";

/** An actor's anchors as a row of their own keeps them. */
export interface RowAnchors {
  /** As they were when the actor came back. */
  readonly stored: readonly StoredAnchor[];
  /** CRC-32 of them as they were written last; undefined when none were. */
  checksum(): number | undefined;
  /** Takes note of what was folded again. */
  follow(heard: Heard, acted: Acted | undefined): void;
  /** @returns them as JSON where they are worth being written again, null where not. */
  write(timeline: Timeline): string | null;
}

/** So few facts are folded again from the first sooner than anchors are read. */
export const FEW_FACTS = 32;
/** They are written again when there are so many times the facts there were. */
const GROWN = 1.25;
/**
 * And when so many facts were folded again, 0.1 ms and more: a late fact leaves those written before true only up to where it
 * happened, and the next late one would fold all. To write so many characters costs about as much.
 */
const LONG = 64;
const MAX_REWRITTEN = 65_536;

/** @param json - as they were written last; null: never. @param checksum - bad ones are as none: all is folded again. */
export function openRowAnchors(json: string | null, checksum?: number): RowAnchors {
  const isGood = json !== null && crc32(json) === checksum;
  const stored = isGood ? (JSON.parse(json) as StoredAnchor[]) : [];
  let written = { checksum, facts: stored.at(-1)?.count ?? 0, length: isGood ? json.length : 0 };
  let isOvertaken = false;
  return {
    stored,
    checksum: () => written.checksum,
    follow(heard, acted) {
      const replayed = heard.kind === "held" ? 0 : heard.replayed;
      isOvertaken ||= Math.max(replayed, acted?.steps.length ?? 0) >= LONG;
    },
    write(timeline) {
      const fewest = isOvertaken && written.length <= MAX_REWRITTEN ? 0 : written.facts * GROWN;
      if (timeline.count < Math.max(FEW_FACTS, fewest)) return null;
      const anchors = JSON.stringify(storeAnchors(timeline));
      written = { checksum: crc32(anchors), facts: timeline.count, length: anchors.length };
      isOvertaken = false;
      return anchors;
    },
  };
}
