import { isSameStream } from "./assignment.ts";
import type { Member, MemberStream } from "./member.ts";

/**
 * What keeps daemons from sharing partitions, or makes them decide otherwise than each other, as one of them sees it.
 *
 * @returns a line for each, with what to do.
 */
export function disagreements(own: Member, members: readonly Member[]): string[] {
  const others = members.filter(({ id }) => id !== own.id);
  return own.streams.flatMap((ours) =>
    others.flatMap((other) => {
      const theirs = other.streams.find(({ name }) => name === ours.name);
      const difference = theirs === undefined ? undefined : differ(ours, theirs);
      return difference === undefined ? [] : [`the daemon of ${other.host}, pid ${other.pid}, ${difference}`];
    }),
  );
}

function differ(ours: MemberStream, theirs: MemberStream): string | undefined {
  const { name, type, typeVersion, created, partitions } = ours;
  if (isSameStream(ours, theirs)) {
    if (typeVersion !== theirs.typeVersion || ours.fingerprint === theirs.fingerprint) return undefined;
    return `has other rules under version ${typeVersion} of ${type} than this one, and what is decided goes by who has the partition: raise the version with the rules, or start both from one build`;
  }
  const shares = `so they do not share its partitions`;
  if (type !== theirs.type) {
    return `reads ${name} for the actor type ${theirs.type}, this one for ${type}, ${shares}: give one of them another collection`;
  }
  if (created !== theirs.created) {
    return `speaks of a ${name} that was created ${theirs.created}, this one of one that was ${created}, ${shares}: it was made anew, start the one again that has the former`;
  }
  return `divides ${name} into ${theirs.partitions} partitions, this one into ${partitions}, ${shares}: start both with one NATSTATE_PARTITIONS`;
}
