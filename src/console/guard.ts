import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isIPv4 } from "node:net";

/** Lets those requests through that may change something. */
export interface ChangeGuard {
  /** What the page has to send back as `X-Natstate-Token`; empty where changes are not possible. */
  readonly pageToken: string;
  /** @returns why the request may change nothing, for a person; null when it may. */
  refuse(headers: IncomingHttpHeaders): string | null;
}

const TOKEN_HEADER = "x-natstate-token";

/**
 * A request may change something when it comes from our own page: its origin is ours, its body is JSON (which no form
 * can send, and no other origin without asking first), and it carries the token that was delivered with the page.
 *
 * This keeps other sites' pages in the user's browser out, not other users of this machine: whoever can read the page
 * can read its token. On an address that other machines reach, nothing can be changed.
 *
 * Source: OWASP, Cross-Site Request Forgery Prevention; Fetch Metadata, W3C.
 *
 * @param host - the name or address the server listens on.
 */
export function createChangeGuard(host: string): ChangeGuard {
  const pageToken = isLoopback(host) ? randomBytes(32).toString("base64url") : "";
  return {
    pageToken,
    refuse(headers) {
      if (pageToken === "") return `natstate listens on ${host}, which others may reach: changes are possible on loopback`;
      if (!isSameOrigin(headers)) return "changes are taken from natstate's own page only";
      if (!/^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "")) return "expected application/json";
      return isToken(headers[TOKEN_HEADER], pageToken)
        ? null
        : "the page is from before natstate's last start: load it again (X-Natstate-Token is not this process's)";
    },
  };
}

/** Programs send neither header; browsers send at least one of them with every POST. */
function isSameOrigin({ origin, host, "sec-fetch-site": site }: IncomingHttpHeaders): boolean {
  if (site !== undefined && site !== "same-origin") return false;
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}

function isToken(given: string | string[] | undefined, token: string): boolean {
  const [a, b] = [Buffer.from(String(given)), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
