import type { QuarantineControl } from "../answers/quarantine.ts";
import { createQuestions } from "../answers/questions.ts";
import { createQuarantineControl } from "../care/release.ts";
import { placeOfCommands } from "../console/command-place.ts";
import { createHttpServer, type HttpServer } from "../console/server.ts";
import { openDeadLetters } from "../jetstream/dead-letters.ts";
import { type QueryService, startQueryService } from "../jetstream/query-service.ts";
import { publishedSubject } from "../wire/names.ts";
import type { Observers, Parts, Standing, Store } from "./parts.ts";

/** Where questions come in. */
export interface Doors {
  openNats(): Promise<QueryService>;
  /** Undefined when NATSTATE_HTTP is off. */
  openHttp(): Promise<HttpServer | undefined>;
}

type DoorsParts = Omit<Parts, "env" | "onFatal" | "reached" | "patiently" | "own" | "trouble" | "reading">;

/** Over NATS and over HTTP the same is answered, in turns with the events. */
export function createDoors(parts: DoorsParts): Doors {
  const { types, store, path, streams, observers, standing, connection, logger, instance, version } = parts;
  const { inspections } = observers;
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
        instance,
        version,
        onError: (error) => logger.error({ err: error }, "a query over NATS failed"),
      }),
    openHttp: async () => openHttp(parts, answers),
  };
}

function openHttp(
  { config, connection, streams, observers, metrics, readiness, logger }: DoorsParts,
  answers: { readonly quarantine: QuarantineControl } & Pick<Parts, "types"> &
    Pick<Observers, "inspections"> &
    Standing & { readonly queries: Store["queries"] },
): Promise<HttpServer> | undefined {
  if (config.NATSTATE_HTTP === null) return undefined;
  const deadLetters = openDeadLetters(connection.session);
  return createHttpServer({
    ...config.NATSTATE_HTTP,
    ...answers,
    token: config.NATSTATE_HTTP_TOKEN,
    furtherHosts: config.NATSTATE_HTTP_HOSTS,
    activity: observers.activity,
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
