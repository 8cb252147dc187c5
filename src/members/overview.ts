import type { Member } from "./member.ts";

export type Overview = ReturnType<typeof overviewOf>;

/** What `natstate daemons --json` and `/api/daemons` say. */
export function overviewOf(members: Iterable<Member>) {
  const age = ({ startedAt, id }: Member) => `${startedAt} ${id}`;
  const daemons = [...members].sort((a, b) => (age(a) < age(b) ? -1 : 1));
  const streams = daemons.flatMap((daemon) => daemon.streams);
  const unread = [...Map.groupBy(streams, ({ name }) => name)].map(([stream, known]) => {
    const held = new Set(known.flatMap(({ holds }) => holds));
    const all = Math.max(...known.map(({ partitions }) => partitions));
    const partitions = Array.from({ length: all }, (_, partition) => partition).filter((each) => !held.has(each));
    return { stream, partitions };
  });
  return {
    /** Those that run longest first. */
    daemons,
    /** Partitions that none of them holds, by stream; only streams that have some. */
    unread: unread.filter(({ partitions }) => partitions.length > 0),
  };
}
