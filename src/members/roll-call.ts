import type { NatsConnection } from "@nats-io/transport-node";
import { askMembers } from "./ask-members.ts";
import type { Denials } from "./denials.ts";
import type { Member } from "./member.ts";

export interface RollCallOptions {
  readonly nc: NatsConnection;
  readonly describe: () => Member;
  readonly denials: Denials;
  readonly maxWait: number;
  readonly onAnswer: (member: Member) => void;
}

/**
 * Finds out, round by round, who is there.
 *
 * Where we may not ask, those are there that have asked us: whoever may ask does so every round, and tells what it is with it.
 */
export function createRollCall({ nc, describe, denials, maxWait, onAnswer }: RollCallOptions) {
  /** Since the last round. */
  const heardOf = new Set<string>();
  const { id: ownId } = describe();

  function whoHasAsked(): ReadonlySet<string> {
    const asked = new Set(heardOf);
    heardOf.clear();
    return asked;
  }

  return {
    /** One has said by itself that it is there. */
    heard: (id: string) => void heardOf.add(id),
    /** @returns ids; undefined: who is there cannot be known now, so that what is known of it stays. */
    async call(): Promise<ReadonlySet<string> | undefined> {
      if (!denials.mayAsk()) return whoHasAsked();
      try {
        const answered = await askMembers(nc, denials.mayAnswer() ? describe() : undefined, maxWait, onAnswer);
        denials.asked();
        heardOf.clear();
        // The client does not reject while it is away, nobody answers then. We hear ourselves whenever anybody can be heard.
        return answered.has(ownId) || !denials.mayAnswer() ? new Set(answered.keys()) : undefined;
      } catch (error) {
        return denials.note(error) ? whoHasAsked() : undefined;
      }
    },
  };
}
