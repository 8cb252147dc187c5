import { createQuestions } from "../answers/questions.ts";
import { createRelease } from "../care/release.ts";
import { placeOfCommands } from "../console/command-place.ts";
import { createHttpServer, type HttpServer } from "../console/server.ts";
import type { Readiness } from "../console/sources.ts";
import { openDeadLetters } from "../jetstream/dead-letters.ts";
import { followInspection } from "../jetstream/inspect-client.ts";
import { startQueryService } from "../jetstream/query-service.ts";
import { createAsking } from "../members/asking.ts";
import type { Member } from "../members/member.ts";
import { createWhole } from "../members/whole.ts";
import type { Health } from "../ops/health.ts";
import { publishedSubject } from "../wire/names.ts";
import type { Parts, Siblings } from "./parts.ts";

/** So long an owner is looked for: by then somebody has taken over what a daemon left that was stopped. */
const OWNER_MS = 2000;

type DoorsParts = Omit<Parts, "env" | "onFatal" | "reached" | "patiently" | "trouble" | "reading">;

/** Where questions come in: over NATS and over HTTP the same is answered, in turns with the events. */
export function createDoors(parts: DoorsParts) {
  const { config, types, store, path, streams, observers, standing, connection, instance, version } = parts;
  const { metrics, readiness, siblings, logger, own } = parts;
  const { inspections, activity } = observers;
  const answers = {
    ...{ types, queries: store.queries, questions: createQuestions(), inspections, activity, ...standing },
    partitions: streams.topology.partitions,
    release: createRelease({
      journal: store.journal,
      processor: path.processor,
      laneOf: streams.lanes.ofActor,
      isOurs: (lane) => own.owns(lane) && own.taken().includes(lane),
      onCommitted: path.committed,
    }),
  };
  return {
    openNats: () =>
      startQueryService({
        ...answers,
        nc: connection.session.nc,
        instance,
        version,
        onError: (error) => logger.error({ err: error }, "a query over NATS failed"),
      }),
    /** Undefined when NATSTATE_HTTP is off. */
    async openHttp(daemons: () => readonly Member[]): Promise<HttpServer | undefined> {
      if (config.NATSTATE_HTTP === null) return undefined;
      const { session } = connection;
      const deadLetters = openDeadLetters(session);
      return createHttpServer({
        ...config.NATSTATE_HTTP,
        ...{ ...answers, daemons, pageToken: await siblings?.pageToken },
        token: config.NATSTATE_HTTP_TOKEN,
        furtherHosts: config.NATSTATE_HTTP_HOSTS,
        whole: createWhole(createAsking({ ...session, partitions: answers.partitions, patienceMs: OWNER_MS })),
        inspectElsewhere: (type, actorId, how) => followInspection(session, type, actorId, how),
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
        health: { live: () => true, ready: () => withSiblings(readiness.health(), siblings) },
        onError: (error, path) => logger.error({ err: error, path }, "a query over HTTP failed"),
      });
    },
  };
}

/** Who asks at a shared port meets any daemon, and asks about all of them. */
function withSiblings(own: Health, siblings: Siblings | undefined): Readiness {
  if (siblings === undefined) return own;
  const others = siblings.check();
  return { ready: own.ready && others.ok, checks: { ...own.checks, daemons: others } };
}
