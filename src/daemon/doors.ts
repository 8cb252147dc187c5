import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import type { Activity } from "../answers/activity.ts";
import type { Inspections } from "../answers/inspection.ts";
import type { QuarantineControl } from "../answers/quarantine.ts";
import { createQuestions } from "../answers/questions.ts";
import { createQuarantineControl } from "../care/release.ts";
import type { Config } from "../config/config.ts";
import { placeOfCommands } from "../console/command-place.ts";
import { createHttpServer, type HttpServer } from "../console/server.ts";
import { openDeadLetters } from "../jetstream/dead-letters.ts";
import { type QueryService, startQueryService } from "../jetstream/query-service.ts";
import type { Metrics } from "../ops/metrics.ts";
import { publishedSubject } from "../wire/names.ts";
import type { Connection } from "./connection.ts";
import type { Store } from "./open-store.ts";
import type { Path } from "./path.ts";
import type { Readiness } from "./readiness.ts";
import type { Standing } from "./standing.ts";
import type { Streams } from "./streams.ts";

/** Where questions come in. */
export interface Doors {
  openNats(): Promise<QueryService>;
  /** Undefined when NATSTATE_HTTP is off. */
  openHttp(): Promise<HttpServer | undefined>;
}

export interface DoorsOptions {
  readonly config: Config;
  readonly types: readonly ActorType[];
  readonly version: string;
  readonly instance: string;
  readonly connection: Connection;
  readonly streams: Streams;
  readonly store: Store;
  readonly path: Path;
  readonly standing: Standing;
  readonly readiness: Readiness;
  readonly activity: Activity;
  readonly inspections: Inspections;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Over NATS and over HTTP the same is answered, in turns with the events. */
export function createDoors(options: DoorsOptions): Doors {
  const { types, store, path, streams, inspections, standing, connection, logger } = options;
  const answers = {
    ...{ types, queries: store.queries, questions: createQuestions(), inspections, ...standing },
    quarantine: createQuarantineControl({
      queries: store.queries,
      journal: store.journal,
      processor: path.processor,
      laneOf: streams.lanes.ofActor,
      onCommitted: path.committed,
    }),
  };
  return {
    openNats: () =>
      startQueryService({
        ...answers,
        nc: connection.session.nc,
        cluster: streams.cluster,
        instance: options.instance,
        version: options.version,
        onError: (error) => logger.error({ err: error }, "a query over NATS failed"),
      }),
    openHttp: async () => openHttp(options, answers),
  };
}

function openHttp(
  { config, connection, streams, activity, metrics, readiness, logger }: DoorsOptions,
  answers: { readonly quarantine: QuarantineControl } & Pick<DoorsOptions, "types" | "inspections"> &
    Standing & { readonly queries: Store["queries"] },
): Promise<HttpServer> | undefined {
  if (config.NATSTATE_HTTP === null) return undefined;
  const deadLetters = openDeadLetters(connection.session);
  return createHttpServer({
    ...config.NATSTATE_HTTP,
    ...answers,
    token: config.NATSTATE_HTTP_TOKEN,
    furtherHosts: config.NATSTATE_HTTP_HOSTS,
    activity,
    partitions: streams.topology.partitions,
    where: placeOfCommands(connection.natsUrl, config.NATSTATE_DATA, config.NATS_URL === undefined),
    // From the store: whoever may write DEAD_LETTERS need not be allowed to read it.
    redrive: ({ publishedSequence: sequence, subject, body, encoding, ...letter }) =>
      deadLetters.redrive({
        ...letter,
        sequence,
        subject: publishedSubject(subject),
        body: Buffer.from(body, encoding),
      }),
    metrics: metrics.render,
    health: { live: () => true, ready: readiness.health },
    onError: (error, path) => logger.error({ err: error, path }, "a query over HTTP failed"),
  });
}
