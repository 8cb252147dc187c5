import { isIPv4 } from "node:net";

/** Is the address one that only this machine reaches? */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
