import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import { isNobody } from "../jetstream/connect.ts";
import { DAEMONS_SUBJECT, daemonSubject } from "../wire/names.ts";
import { askMembers } from "./ask-members.ts";
import type { Denials } from "./denials.ts";
import type { Member } from "./member.ts";

/** Tells which daemons are alive, and so which lanes are ours. */
export type Membership = ReturnType<typeof createMembership>;

const ROUND_MS = 1000;
const ANSWER_MS = 300;
/** When somebody has not answered. */
const SOON_MS = 300;
/** Rounds without an answer until a member counts as gone; where nobody is there under its id, as after its end, fewer. */
const MISSES = 3;
const ABSENCES = 2;

export interface MembershipOptions {
  readonly nc: NatsConnection;
  /** Is everybody connected who can be: not so when NATS has just been away, as others may find it later than we do. */
  readonly isSettled?: () => boolean;
  /** Our own record, as it is now. */
  readonly describe: () => Member;
  /** Somebody came or went, or what another one knows, holds or follows is something else than before. */
  readonly onChange: (members: readonly Member[]) => void;
  readonly denials: Denials;
  readonly clock?: Clock;
}

/** Live daemons are those that answer `natstate.daemons`. Whoever asks tells its own record with the question. */
export function createMembership(options: MembershipOptions) {
  const { nc, describe, onChange, denials, isSettled = () => true, clock = SYSTEM_CLOCK } = options;
  const ownId = describe().id;
  const known = new Map<string, { readonly member: Member; misses: number; absences: number }>();
  let cancelRound = () => {};
  let stopped = false;
  let round: Promise<void> | undefined;

  function members(): readonly Member[] {
    const answered = [...known.values()].map(({ member }) => member).filter(({ id }) => id !== ownId);
    return [...answered, describe()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** What they are, without what changes all the time. */
  const others = () => {
    const lasting = members().filter(({ id }) => id !== ownId);
    return JSON.stringify(lasting.map(({ lag, rssBytes, ready, troubles, ...rest }) => rest));
  };
  let told = others();
  function tell(): void {
    const now = others();
    if (stopped || now === told) return;
    told = now;
    onChange(members());
  }

  function note(member: Member): void {
    known.set(member.id, { member, misses: 0, absences: 0 });
  }

  const rollCall = createRollCall(options, note);

  async function ask(): Promise<void> {
    const there = await rollCall.call();
    if (there === undefined) return;
    const present = new Set([...there].map((id) => known.get(id)?.member.instance));
    const silent = [...known].filter(([id]) => id !== ownId && !there.has(id));
    await Promise.all(
      silent.map(async ([id, other]) => {
        other.misses++;
        if (isSettled() && (await isAbsent(nc, id))) other.absences++;
        // One data directory has one daemon: who was started again on it is not waited for under the former id.
        const isFollowed = present.has(other.member.instance);
        if (other.misses >= MISSES || other.absences >= ABSENCES || isFollowed) known.delete(id);
      }),
    );
    tell();
  }

  function refresh(): Promise<void> {
    round ??= ask().finally(() => {
      round = undefined;
    });
    return round;
  }

  function tick(): void {
    const isAnyoneMissed = [...known.values()].some(({ absences }) => absences > 0);
    cancelRound = clock.after(isAnyoneMissed ? SOON_MS : ROUND_MS, async () => {
      if (!nc.isClosed()) await refresh();
      if (!stopped) tick();
    });
  }
  tick();

  return {
    /** The live daemons by id, as each has said last; always with our own. */
    members,
    /** Asks now, not at the next round. */
    refresh,
    /** Tells the others at once what we are now. */
    announce(): void {
      // Whoever is asked hears it; what they answer the next round asks again.
      if (!nc.isClosed() && denials.mayAsk() && denials.mayAnswer())
        nc.request(DAEMONS_SUBJECT, JSON.stringify(describe()), { timeout: ANSWER_MS }).catch(() => {});
    },
    /** One has said what it is, without being asked. */
    heard(member: Member): void {
      if (stopped || member.id === ownId) return;
      note(member);
      rollCall.heard(member.id);
      tell();
    },
    stop(): void {
      stopped = true;
      cancelRound();
    },
  };
}

/**
 * Finds out, round by round, who is there.
 *
 * Where we may not ask, those are there that have asked us: whoever may ask does so every round, and tells what it is with it.
 */
function createRollCall({ nc, describe, denials }: MembershipOptions, onAnswer: (member: Member) => void) {
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
        const answered = await askMembers(nc, denials.mayAnswer() ? describe() : undefined, ANSWER_MS, onAnswer);
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

/** The server says at once when nobody listens any more: its connection is gone. One that is frozen still has it. */
async function isAbsent(nc: NatsConnection, id: string): Promise<boolean> {
  try {
    await nc.request(daemonSubject(id, "there"), undefined, { timeout: ANSWER_MS });
    return false;
  } catch (error) {
    return isNobody(error);
  }
}
