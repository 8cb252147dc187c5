import type { ActorType } from "../actor/actor-type.ts";

/*
 * Every NATS name of the wire contract (docs/wire.md) in one place, each with that of an order for example. Other programs
 * rely on them.
 */

export const DECISIONS_STREAM = "DECISIONS";
export const DEAD_LETTERS_STREAM = "DEAD_LETTERS";
/** The priority group in which one client is pinned. */
export const OWNER_GROUP = "owner";

/** An actor's id: one token of a NATS subject. */
export const ACTOR_ID = /^[A-Za-z0-9_:-]{1,128}$/;
/** The same for a person. */
export const ACTOR_ID_EXPECTED = "1 to 128 of A-Z a-z 0-9 _ - :";

/** `ORDERS`. */
export function eventStream(type: Pick<ActorType, "collection">): string {
  return type.collection.toUpperCase();
}

/** `orders.<id>.<EventType>`: where publishers send an event. */
export function eventSubject(type: Pick<ActorType, "collection">, actorId: string, eventType: string): string {
  return `${type.collection}.${actorId}.${eventToken(eventType)}`;
}

/**
 * An event type as the last token of a subject: `payment.received` is `payment:received`. So streams, transforms and
 * permissions are the same for all types; names have no colons.
 */
export function eventToken(eventType: string): string {
  return eventType.replaceAll(".", ":");
}

/** The event type that a subject says. */
export function eventTypeOf(subject: string): string {
  return fromToken(subject.slice(subject.lastIndexOf(".") + 1));
}

/** The event type that {@link eventToken} was given. */
export function fromToken(token: string): string {
  return token.replaceAll(":", ".");
}

/** The subject a publisher used, from the one the stream stored (without its partition token). */
export function publishedSubject(storedSubject: string): string {
  const [collection, , ...rest] = storedSubject.split(".");
  return [collection, ...rest].join(".");
}

/** `orders-<partition>`. */
export function consumerName(type: ActorType, partition: number): string {
  return `${type.collection}-${partition}`;
}

/** `decisions.orders.<id>`. */
export function decisionSubject(type: Pick<ActorType, "collection">, actorId: string): string {
  return `decisions.${type.collection}.${actorId}`;
}

/** `deadletters.orders.<reason>`. */
export function deadLetterSubject(type: Pick<ActorType, "collection">, reason: string): string {
  return `deadletters.${type.collection}.${reason}`;
}

/** `orders:<id>:<revision>`. */
export function decisionMsgId(type: ActorType, actorId: string, revision: number): string {
  return `${type.collection}:${actorId}:${revision}`;
}

/** `dead:<stream>:<sequence>`. */
export function deadLetterMsgId(stream: string, sequence: number): string {
  return `dead:${stream}:${sequence}`;
}

/** The micro service that answers questions; its name and the first token of its subjects. */
export const QUERY_SERVICE = "natstate";

/** `natstate.orders.<question>`, of one actor `natstate.orders.<question>.<id>`. */
export function querySubject(type: ActorType, question: string, actorId?: string): string {
  return [QUERY_SERVICE, type.collection, question, ...(actorId === undefined ? [] : [actorId])].join(".");
}

/** `natstate.types`: which types there are, asked of any daemon. */
export const TYPES_SUBJECT = `${QUERY_SERVICE}.types`;

/** `natstate.daemons`: what each daemon is, asked of all. */
export const DAEMONS_SUBJECT = `${QUERY_SERVICE}.daemons`;

/** `natstate.daemons.<id>.<question>`: asked of one daemon, by the id it has since its start. */
export function daemonSubject(id: string, question: string): string {
  return `${DAEMONS_SUBJECT}.${id}.${question}`;
}

/**
 * Would something happen to a message on this subject: is it one of ours, or of the server's?
 *
 * NATS does not check where an asker wants the answer. Sent to `decisions.orders.x` it would be stored as a decision.
 */
export function isReserved(types: readonly ActorType[], subject: string): boolean {
  const [first = ""] = subject.split(".");
  const own = ["decisions", "deadletters", QUERY_SERVICE, ...types.map((type) => type.collection)];
  return first === "" || first.startsWith("$") || own.includes(first);
}

/**
 * The partition the server's subject transform `{{partition(n,1)}}` gives an actor id.
 *
 * Source: nats-server hashes the tokens' bytes with FNV-1a, 32 bit, modulo n.
 */
export function partitionOf(actorId: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(actorId, "utf8")) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % partitions;
}
