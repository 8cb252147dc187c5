import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { TokenGuard } from "./token-guard.ts";

export type ChangeGuard = ReturnType<typeof createChangeGuard>;

const TOKEN_HEADER = "x-natstate-token";

/**
 * A request may change something when it comes from our own page: its origin is ours, its body is JSON (which no form
 * can send, and no other origin without asking first), and it carries the token that was delivered with the page.
 *
 * This keeps other sites' pages in the user's browser out, not other users of this machine: whoever can read the page
 * can read its token, unless NATSTATE_HTTP_TOKEN is set. A program that sends that one needs no page.
 *
 * Source: OWASP, Cross-Site Request Forgery Prevention; Fetch Metadata, W3C.
 *
 * @param tokens - has admitted the request before.
 * @param pageToken - where several daemons listen at one address, a page of each is a page of all; else one of its own.
 */
export function createChangeGuard(tokens: TokenGuard, pageToken = randomBytes(32).toString("base64url")) {
  return {
    /** What the page has to send back as `X-Natstate-Token`. */
    pageToken,
    /** @returns why the request may change nothing, for a person; null when it may. */
    refuse(headers: IncomingHttpHeaders): string | null {
      if (!isSameOrigin(headers)) return "changes are taken from natstate's own page only";
      if (!/^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "")) return "expected application/json";
      return tokens.isBearer(headers) || isToken(headers[TOKEN_HEADER], pageToken)
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
