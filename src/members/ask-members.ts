import type { NatsConnection } from "@nats-io/transport-node";
import { isNobody } from "../jetstream/connect.ts";
import { DAEMONS_SUBJECT } from "../wire/names.ts";
import { type Member, readMember } from "./member.ts";

/**
 * Asks all daemons what they are. Who does not answer in time is left out: those of a cluster are near.
 *
 * @param own - told with the question; undefined: the asker is no daemon.
 * @param onAnswer - told each answer when it arrives, so that what is heard of a daemon later is what it said later.
 * @returns those that are there, by id; none where nobody is.
 */
export async function askMembers(
  nc: NatsConnection,
  own: Member | undefined,
  maxWait: number,
  onAnswer: (member: Member) => void = () => {},
): Promise<ReadonlyMap<string, Member>> {
  const answered = new Map<string, Member>();
  const question = own === undefined ? "" : JSON.stringify(own);
  try {
    for await (const { data } of await nc.requestMany(DAEMONS_SUBJECT, question, { strategy: "timer", maxWait })) {
      const member = readMember(Buffer.from(data).toString());
      if (member === undefined) continue;
      answered.set(member.id, member);
      onAnswer(member);
    }
  } catch (error) {
    if (!isNobody(error)) throw error;
  }
  return answered;
}
