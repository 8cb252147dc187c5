import type { ConsumerInfo, PeerInfo, StreamInfo } from "@nats-io/jetstream";
import { isHeard, majoritySilentMs, replicaSilentMs, SILENT_MS } from "../jetstream/stream-pulse.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

type Replicated = Pick<StreamInfo, "config" | "cluster">;
type Led = Pick<ConsumerInfo, "name" | "cluster">;

/**
 * Says of the streams who leads each, which servers are away or behind and by how much, and whether one more may go.
 * Streams are shown, for a while, by a leader that has lost its majority, or without a leader.
 */
export function examineReplicas(streams: readonly Replicated[]): Finding {
  const silent = streams.filter((stream) => majoritySilentMs(stream) > SILENT_MS).map(nameOf);
  if (silent.length > 0) {
    const lost = `most servers of ${silent.join(", ")} are gone, or have no leader: nothing is read or stored`;
    return problem("replicas", lost, "start the servers of the cluster that are down");
  }
  const behind = streams.flatMap(peersBehind);
  if (behind.length > 0) return warning("replicas", describeBehind(behind), adviseOn(behind));
  const replicated = streams.filter(({ config }) => config.num_replicas > 1);
  if (replicated.length === 0) return ok("replicas", "one of every stream");
  const leaders = replicated.map((stream) => `${nameOf(stream)} led by ${stream.cluster?.leader}`);
  return ok("replicas", `every server has what it is to have of every stream; ${leaders.join(", ")}`);
}

/** Says which servers lead the consumers that lanes are read by; one that has no leader gives nothing. */
export function examineConsumerLeaders(consumers: readonly Led[]): Finding {
  const clustered = consumers.filter(({ cluster }) => cluster !== undefined);
  const leaderless = clustered.filter(({ cluster }) => !cluster?.leader).map(({ name }) => name);
  if (leaderless.length > 0) {
    const detail = `${leaderless.join(", ")} ${leaderless.length === 1 ? "has" : "have"} no leader: nothing is read`;
    return problem(
      "consumer leaders",
      detail,
      "start the servers of the cluster that are down; else wait, one is elected",
    );
  }
  if (clustered.length === 0) return ok("consumer leaders", "there is one server");
  const counts = Map.groupBy(clustered, ({ cluster }) => cluster?.leader ?? "");
  const shares = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([leader, led]) => `${leader} leads ${led.length}`);
  return ok("consumer leaders", shares.join(", "));
}

/** A server that does not have all of a stream. */
interface Behind {
  readonly stream: string;
  readonly server: string;
  /** Known to be, or not heard of by its leader: the cluster takes long to call a server offline. */
  readonly isAway: boolean;
  /** Operations it has not heard of; 0 also when nobody can say. */
  readonly lag: number;
  /** Servers of the stream that have everything, of how many. */
  readonly current: number;
  readonly all: number;
}

function peersBehind({ config, cluster }: Replicated): Behind[] {
  const behind = (cluster?.replicas ?? []).filter((peer) => isAway(peer) || !peer.current);
  const all = config.num_replicas;
  return behind.map((peer) => ({
    ...{ stream: config.name, server: nameOfServer(peer), isAway: isAway(peer) },
    lag: isHeard(peer) ? (peer.lag ?? 0) : 0,
    ...{ current: all - behind.length, all },
  }));
}

/** One that its leader has not heard of since the whole cluster was down has a sentence for a name. */
function nameOfServer({ name }: PeerInfo): string {
  const [, peerId] = /^Server name unknown at this time \(peerID: (\w+)\)$/.exec(name) ?? [];
  return peerId === undefined ? name : `the server with the peer id ${peerId}`;
}

function isAway(peer: PeerInfo): boolean {
  return replicaSilentMs(peer) > SILENT_MS;
}

function describeBehind(behind: readonly Behind[]): string {
  const servers = [...Map.groupBy(behind, ({ server }) => server)].map(([server, of]) => {
    const where = of.map(({ stream, lag }) => (lag > 0 ? `${stream} by ${lag}` : stream)).join(", ");
    return of.some(({ isAway }) => isAway) ? `${server} is away: ${where}` : `${server} is behind with ${where}`;
  });
  const atRisk = behind.filter(({ current, all }) => current - 1 <= all / 2);
  if (atRisk.length === 0) return servers.join("; ");
  const { current, all } = atRisk.reduce((least, one) => (one.current < least.current ? one : least));
  return `${servers.join("; ")}; ${current} of ${all} are left, should one more go nothing is read or stored`;
}

function adviseOn(behind: readonly Behind[]): string {
  const away = [...new Set(behind.filter(({ isAway }) => isAway).map(({ server }) => server))];
  if (away.length === 0) return "wait until it has caught up before you stop another server";
  return `start ${away.join(", ")}; one that has lost its disk starts with an empty store and copies everything, one that will not come back is given up with: nats server cluster peer-remove`;
}

const nameOf = ({ config }: Replicated) => config.name;
