import { type ConsumerInfo, JetStreamApiCodes, type JetStreamManager } from "@nats-io/jetstream";
import type { Lane } from "../wire/lanes.ts";
import { asFound, type Comparison, different, differingSettings, missing } from "./comparison.ts";
import { apiErrorCode, NatsSetupError } from "./connect.ts";
import { permissionError } from "./permission.ts";
import { wantedConsumer } from "./stream-configs.ts";

export interface LaneConsumerOptions {
  readonly jsm: JetStreamManager;
  readonly lane: Lane;
  readonly manage: boolean;
  /**
   * The lane's consumer is, or was, another one: since it was last seen to be right it may have left messages out, and
   * the checkpoint has to go back to there.
   */
  readonly onChanged: () => void;
}

/**
 * Creates the durable consumer of a lane; one that somebody has changed is made what it was, where we may.
 *
 * @returns what was different, a line each.
 * @throws NatsSetupError with what to do, when it is not as it should be and may not be changed.
 */
export async function ensureConsumer(options: LaneConsumerOptions): Promise<readonly string[]> {
  const { jsm, lane, manage, onChanged } = options;
  const wanted = wantedConsumer(lane);
  const what = `consumer ${wanted.durable_name} of stream ${lane.stream}`;
  try {
    const found = await jsm.consumers.info(lane.stream, wanted.durable_name);
    const { differences, remedy } = compareSettings(lane, found);
    if (differences.length === 0) return [];
    onChanged();
    if (!manage) throw new NatsSetupError(different(what, differences, remedy));
    await mend(jsm, lane, found, different(what, differences, remedy));
    return differences;
  } catch (error) {
    if (apiErrorCode(error) !== JetStreamApiCodes.ConsumerNotFound) throw error;
    if (!manage) throw new NatsSetupError(missing(what), { cause: error });
    await jsm.consumers.add(lane.stream, wanted);
    return [];
  }
}

/** What the server does not change is made anew; where it was delivered to does not matter, a session begins with a reset. */
async function mend(jsm: JetStreamManager, lane: Lane, found: ConsumerInfo, problem: string): Promise<void> {
  const wanted = wantedConsumer(lane);
  try {
    await jsm.consumers.update(lane.stream, wanted.durable_name, wanted);
  } catch (error) {
    if (apiErrorCode(error) === undefined) throw error;
    try {
      await jsm.consumers.delete(lane.stream, wanted.durable_name);
      const { pause_until } = found.config;
      await jsm.consumers.add(lane.stream, { ...wanted, ...(pause_until !== undefined && { pause_until }) });
    } catch (refused) {
      if (permissionError(refused)) throw new NatsSetupError(problem, { cause: refused });
      throw refused;
    }
  }
}

/** What a running daemon finds of a lane's consumer. */
export interface ConsumerFinding {
  /** Its settings are other ones: what it delivers may not be the lane's. */
  readonly isChanged: boolean;
  /** What is wrong with it and what to do, on one line; null when nothing is. */
  readonly problem: string | null;
}

export function examineConsumer(lane: Lane, info: ConsumerInfo): ConsumerFinding {
  const { differences, remedy } = compareConsumer(lane, info);
  const problem =
    differences.length === 0 ? null : different(`consumer ${info.name} of stream ${lane.stream}`, differences, remedy);
  return { isChanged: compareSettings(lane, info).differences.length > 0, problem };
}

/** Holds a lane's consumer against what it should be; a paused one is not. */
export function compareConsumer(lane: Lane, info: ConsumerInfo): Comparison {
  const { differences, remedy } = compareSettings(lane, info);
  if (!info.paused) return { differences, remedy };
  const resume = `To go on: nats consumer resume ${lane.stream} ${info.name}`;
  return {
    differences: [...differences, `it is paused until ${info.config.pause_until}`],
    remedy: remedy === null ? resume : `${remedy}. ${resume}`,
  };
}

/** The same without the pause, which somebody meant and which loses nothing: it is told, and not ended. */
function compareSettings(lane: Lane, { config }: ConsumerInfo): Comparison {
  const wanted = wantedConsumer(lane);
  const settings = differingSettings(wanted, config);
  const differences = settings.map(asFound);
  if (settings.length === 0) return { differences, remedy: null };
  const flags = settings.map(({ name }) => EDIT_FLAGS[name]?.(lane));
  const name = `${lane.stream} ${wanted.durable_name}`;
  const remedy = flags.includes(undefined)
    ? `To make it anew: nats consumer rm ${name} --force, and start once with NATSTATE_MANAGE_STREAMS=true`
    : `To change it: nats consumer edit ${name} ${[...new Set(flags)].join(" ")}`;
  return { differences, remedy };
}

/** Of the nats CLI, by the settings it can change. */
const EDIT_FLAGS: Readonly<Record<string, (lane: Lane) => string>> = {
  filter_subject: (lane) => `--filter "${wantedConsumer(lane).filter_subject}"`,
  filter_subjects: (lane) => `--filter "${wantedConsumer(lane).filter_subject}"`,
  headers_only: () => "--no-headers-only",
  ack_wait: (lane) => `--wait ${wantedConsumer(lane).ack_wait / 1_000_000_000}s`,
  max_ack_pending: (lane) => `--max-pending ${wantedConsumer(lane).max_ack_pending}`,
  max_deliver: () => "--max-deliver=-1",
};
