import { createHash } from "node:crypto";
import type { NatsConnection } from "@nats-io/transport-node";
import { SYSTEM_CLOCK, waitFor } from "../flow/clock.ts";
import { inTurns, type Pieces } from "../flow/pieces.ts";
import { unlessEnded } from "../flow/unless-ended.ts";
import type { Adopter } from "../store/lane-adoption.ts";
import { isAhead, type LaneOrigin, type LaneStand, readStand } from "../store/lane-copy.ts";
import { findMisfit, type LaneStage, openLaneStage } from "../store/lane-stage.ts";
import { clearStaged } from "../store/staged-actors.ts";
import type { Lane } from "../wire/lanes.ts";
import { daemonSubject } from "../wire/names.ts";
import {
  COPY_QUESTION,
  type CopyEnd,
  CopyError,
  type CopyPiece,
  type CopyQuestion,
  CopyRefusedError,
  createLines,
  isSameMoment,
  readCopyAnswer,
  readRow,
} from "./copy-wire.ts";

export interface LaneAt {
  readonly origin: LaneOrigin;
  readonly stand: LaneStand;
}

export interface Copied {
  readonly rows: number;
  readonly bytes: number;
  readonly tookMs: number;
}

export interface CopyTakingOptions {
  readonly nc: NatsConnection;
  readonly store: Adopter;
  /** Is it read as its owner's by now? Its copy, begun for who followed it, comes too late. */
  readonly isRead: (lane: Lane) => boolean;
  /** Is it read along, and has become ours? What follows it goes on until it is ready, and must come upon nothing of the copy. */
  readonly isFollowed: (lane: Lane) => boolean;
  /** The copy is whole and right: what is in memory of the lane is to be forgotten now. */
  readonly onAdopting: (lane: Lane) => void;
  /** Told after each piece. */
  readonly onProgress: (rows: number) => void;
  /** Then nothing is waited for any more, and no copy is adopted. Its reason is what a copy in the middle rejects with. */
  readonly ended: AbortSignal;
}

/** How long givers that are busy may still be waited for, of all lanes that are brought together. */
export interface BusyWait {
  leftMs: number;
}

export const newBusyWait = (): BusyWait => ({ leftMs: 30_000 });

/** Takes lanes over from the stores of other daemons. */
export type CopyTaking = ReturnType<typeof createCopyTaking>;

const ANSWER_MS = 5000;
/** A piece that got lost is asked for again. */
const ATTEMPTS = 3;
const BUSY_MS = 300;
/** More than a snapshot of an actor that may be stored. */
const MAX_ROW_BYTES = 67_108_864;
/** About a millisecond. */
const ROWS_AT_ONCE = 64;

export function createCopyTaking(options: CopyTakingOptions) {
  const { nc, store, isRead, isFollowed, onAdopting, onProgress, ended } = options;
  /** Where a copy is staged there is one of each lane: its reader may have begun anew, or become another, meanwhile. */
  const turns = new Map<Lane, Promise<unknown>>();

  async function askOnce(id: string, question: CopyQuestion) {
    const subject = daemonSubject(id, COPY_QUESTION);
    const answer = nc.request(subject, JSON.stringify(question), { timeout: ANSWER_MS });
    return readCopyAnswer((await unlessEnded(ended, answer)).data);
  }

  async function askPiece(id: string, question: CopyQuestion) {
    for (let attempt = 1; ; attempt++) {
      try {
        const { answer, bytes } = await askOnce(id, question);
        if ("refused" in answer) throw new CopyRefusedError(answer);
        if (answer.piece !== question.piece)
          throw new CopyError(`piece ${answer.piece} is not piece ${question.piece}`);
        return { piece: answer, bytes };
      } catch (error) {
        // The first one, asked again, would begin a second copy.
        if (ended.aborted || error instanceof CopyError || question.copy === null || attempt === ATTEMPTS) throw error;
      }
    }
  }

  async function copyNow(lane: Lane, id: string, wait: BusyWait): Promise<Copied> {
    const startMs = performance.now();
    const { stream, partition } = lane;
    const question = (copy: string | null, piece: number) => askPiece(id, { stream, partition, copy, piece });
    const first = await onceFree(() => question(null, 1), wait, ended);
    refuseMisfit(store, lane, first.piece.origin);
    if (!isAhead(first.piece.stand, readStand(store.db, lane))) {
      throw new CopyError("that daemon has read no further than this one");
    }
    await inTurns(clearStaged(store.db, lane));
    const stage = openLaneStage(store, lane, isFollowed(lane));
    try {
      const receive = createReceiver(stage, first.piece);
      for (let now = first; ; ) {
        const { piece, end } = now.piece;
        const next = end === null ? question(first.piece.copy, piece + 1) : undefined;
        // Whoever waits for it hears of it; until then it is nobody's.
        next?.catch(() => {});
        const got = await receive(now.piece, now.bytes);
        onProgress(got.rows);
        ended.throwIfAborted();
        if (next === undefined) break;
        now = await next;
      }
      const { rows, bytes } = receive.end();
      if (isRead(lane)) throw new CopyError("this daemon reads it itself by now");
      onAdopting(lane);
      stage.adopt(first.piece.stand);
      return { rows, bytes, tookMs: performance.now() - startMs };
    } finally {
      // To remove some 100,000 actors takes seconds, for which a daemon that ends would hold its lanes.
      if (ended.aborted) stage.leave();
      else await inTurns(stage.close());
    }
  }

  return {
    /** Removes what a copy of the lane has left that did not come to its end. Before the lane is read. */
    clear: (lane: Lane) => inTurns(clearStaged(store.db, lane)),
    /** Undefined: that daemon has nothing of the lane. Rejects when it does not answer, or what it has does not fit here. */
    async ask(lane: Lane, id: string): Promise<LaneAt | undefined> {
      const { stream, partition } = lane;
      const { answer } = await askOnce(id, { stream, partition, copy: null, piece: 0 });
      if (!("refused" in answer)) {
        refuseMisfit(store, lane, answer.origin);
        return answer;
      }
      if (answer.refused === "nothing") return undefined;
      throw new CopyRefusedError(answer);
    },
    /**
     * Copies a lane that is not read at the moment, and puts it in the place of what the store has of it: all of it, or
     * nothing; one that is being copied already, after that. What a death in the middle leaves is no part of the store.
     *
     * @param id - the daemon's.
     * @param wait - what of it is used up is taken off.
     * @throws CopyError or StoreError, when it is not given, was changed on its way, does not fit, says no more than the store, or comes too late.
     */
    copy(lane: Lane, id: string, wait: BusyWait): Promise<Copied> {
      const turn = (turns.get(lane) ?? Promise.resolve()).then(() => copyNow(lane, id, wait));
      turns.set(
        lane,
        turn.catch(() => {}),
      );
      return turn;
    },
  };
}

/** Who gives as many as it may has soon given one of them; to read the log instead takes longer. */
async function onceFree<Piece>(ask: () => Promise<Piece>, wait: BusyWait, ended: AbortSignal): Promise<Piece> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isBusy = error instanceof CopyRefusedError && error.refused === "busy";
      if (!isBusy || wait.leftMs <= 0) throw error;
      wait.leftMs -= BUSY_MS;
      await unlessEnded(ended, waitFor(SYSTEM_CLOCK, BUSY_MS));
    }
  }
}

function refuseMisfit({ db }: Adopter, lane: Lane, origin: LaneOrigin): void {
  const misfit = findMisfit(db, lane, origin);
  if (misfit !== undefined) throw new CopyError(`that copy is no good here: ${misfit}`);
}

/** Stages piece after piece, each held against what it says of itself. */
function createReceiver(stage: LaneStage, first: LaneAt) {
  const lines = createLines(MAX_ROW_BYTES);
  const digest = createHash("sha256");
  const got = { rows: 0, bytes: 0 };
  let end: CopyEnd | null = null;

  async function receive(piece: CopyPiece, bytes: Buffer): Promise<typeof got> {
    if (!isSameMoment(piece, first)) throw new CopyError(`piece ${piece.piece} is of another copy`);
    const whole = lines.add(bytes);
    if (whole.length !== piece.rows)
      throw new CopyError(`piece ${piece.piece} has ${whole.length} of ${piece.rows} rows`);
    digest.update(bytes);
    await inTurns(stageRows(stage, whole));
    got.rows += whole.length;
    got.bytes += bytes.length;
    end = piece.end;
    return got;
  }

  receive.end = (): CopyEnd => {
    const found = { ...got, digest: digest.digest("hex") };
    const isSame = end !== null && JSON.stringify(found) === JSON.stringify({ ...end });
    if (!isSame || !lines.isWhole())
      throw new CopyError(`the copy is not whole: ${got.rows} of ${end?.rows} rows came`);
    return found;
  };
  return receive;
}

function* stageRows(stage: LaneStage, lines: readonly Buffer[]): Pieces<void> {
  for (let from = 0; from < lines.length; from += ROWS_AT_ONCE) {
    stage.add(lines.slice(from, from + ROWS_AT_ONCE).map(readRow));
    yield;
  }
}
