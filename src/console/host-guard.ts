import { isIP } from "node:net";
import { hostname } from "node:os";
import { isLoopback } from "../config/values.ts";

const HOST_HEADER = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/i;

/**
 * Tells whether a request was meant for this server, by its Host header: a web page elsewhere whose name resolves to
 * our address (DNS rebinding) sends its own name, and would otherwise read everything from within the user's browser.
 *
 * Accepted are `localhost`, loopback addresses and `host`; when `host` is a wildcard, also this machine's name and any
 * address (a page's name is never one).
 *
 * @param host - the name or address the server listens on.
 * @param furtherNames - names by which it is reached beside its own, in lower case.
 */
export function createHostGuard(
  host: string,
  furtherNames: readonly string[] = [],
): (header: string | undefined) => boolean {
  const own = host.toLowerCase();
  return (header) => {
    const [, bracketed = ""] = HOST_HEADER.exec(header ?? "") ?? [];
    const name = bracketed.toLowerCase().replace(/^\[|\]$/g, "");
    if (name === "") return false;
    if (name === own || isLoopback(name) || furtherNames.includes(name)) return true;
    return isWildcard(host) && (isIP(name) !== 0 || name === hostname().toLowerCase());
  };
}

/** Does the address mean every interface? */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
