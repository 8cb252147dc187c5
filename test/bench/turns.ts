import type { Costs } from "./cpu.ts";
import { median } from "./report.ts";

/** Somebody who is measured piece by piece, beside others who idle meanwhile. */
export interface TurnTaker<Result> {
  /** @param piecesLeft - that are still to come, with this one. */
  takeTurn(piecesLeft: number): Promise<Result>;
}

/**
 * Has each in turn take its next piece, round by round: a machine whose speed changes within minutes is as quick for all.
 *
 * @returns of each, in their order, its rounds'.
 */
export async function takeTurns<Result>(takers: readonly TurnTaker<Result>[], rounds: number): Promise<Result[][]> {
  const results: Result[][] = takers.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, taker] of takers.entries()) results[index]?.push(await taker.takeTurn(rounds - round));
  }
  return results;
}

/** Each figure's median over the turns of one. */
export function medianCosts(turns: readonly Costs[]): Costs {
  const of = (figure: (turn: Costs) => number) => median(turns.map(figure));
  return {
    runMs: of((turn) => turn.runMs),
    eventsPerSecond: of((turn) => turn.eventsPerSecond),
    cpuUsPerEvent: of((turn) => turn.cpuUsPerEvent),
    serverCpuUsPerEvent: of((turn) => turn.serverCpuUsPerEvent),
  };
}
