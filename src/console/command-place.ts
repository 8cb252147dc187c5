import { resolve } from "node:path";

/**
 * What a command typed elsewhere on this machine needs to find this daemon: nothing, when it is the one of `./data` with a
 * nats-server of its own, which commands find by themselves. Without a login: that is the typist's own.
 */
export function placeOfCommands(natsUrl: string, dataDir: string, isEmbedded: boolean): string {
  if (isEmbedded && resolve(dataDir) === resolve("data")) return "";
  return `--nats ${natsUrl.replace(/\/\/[^/@,]*@/g, "//")}`;
}
