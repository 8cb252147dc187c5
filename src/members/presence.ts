import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { ActorType } from "../actor/actor-type.ts";
import { DAEMONS_SUBJECT, daemonSubject, isReserved } from "../wire/names.ts";
import type { Denials } from "./denials.ts";
import { type Member, readMember } from "./member.ts";

/** A daemon answers to its name: what it is, to everybody; and what is asked of it alone. */
export type Presence = Awaited<ReturnType<typeof bePresent>>;

export interface PresenceOptions {
  readonly nc: NatsConnection;
  /** An answer never goes to a subject that is an event's, a decision's or a dead letter's of one of these. */
  readonly types: readonly ActorType[];
  readonly describe: () => Member;
  /** Told what another daemon says of itself when it asks. */
  readonly onHeard: (member: Member) => void;
  /** Told when NATS does not let us listen. */
  readonly denials: Denials;
}

/**
 * Answers `natstate.daemons`, at once and beside the questions about actors, which wait for their turn.
 *
 * @returns when NATS knows the subscriptions, or has denied them.
 */
export async function bePresent({ nc, types, describe, onHeard, denials }: PresenceOptions) {
  const answers = new Map<string, (message: Msg) => void>();

  const listen = (subject: string, take: (message: Msg) => void) =>
    nc.subscribe(subject, {
      callback(error, message) {
        if (error !== null) denials.note(error);
        else if (!isReserved(types, message.reply ?? "")) take(message);
      },
    });

  const own = describe().id;
  const subscriptions = [
    listen(DAEMONS_SUBJECT, (message) => {
      // Whoever could not be asked for its partitions must not be known to have any.
      if (denials.mayAnswer()) message.respond(JSON.stringify(describe()));
      const asker = readMember(message.string());
      if (asker !== undefined) onHeard(asker);
    }),
    listen(daemonSubject(own, "*"), (message) => answers.get(message.subject.split(".").at(-1) ?? "")?.(message)),
  ];
  await nc.flush();
  return {
    /** What is done about `natstate.daemons.<id>.<question>`. */
    answer: (question: string, take: (message: Msg) => void): void => void answers.set(question, take),
    /** Answers nothing any more. */
    end(): void {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}
