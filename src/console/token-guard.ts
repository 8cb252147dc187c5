import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isLoopback } from "../config/values.ts";

export type TokenGuard = ReturnType<typeof createTokenGuard>;

/** Wrong ones that are answered at once: mistyped, perhaps. */
const FREE = 3;
/** One is forgotten after so long. */
const FORGET_MS = 1000;
const STEP_MS = 100;
/** At 512 connections that is a hundred guesses a second. */
const MOST_MS = 5000;
/** More are not counted: after a minute of silence all are forgotten. */
const MOST = FREE + MOST_MS / STEP_MS;

/** What a 401 says: programs send `Bearer`; browsers ask the user, for any name and the token as password. */
export const CHALLENGES = ['Bearer realm="natstate"', 'Basic realm="natstate", charset="UTF-8"'];

/**
 * Knows who has the token of NATSTATE_HTTP_TOKEN.
 *
 * @param host - the name or address the server listens on.
 * @param token - undefined: nobody is admitted from elsewhere.
 */
export function createTokenGuard(host: string, token: string | undefined) {
  const isOpen = isLoopback(host);
  const expected = token === undefined ? undefined : digest(token);
  const isToken = (given: string) => expected !== undefined && timingSafeEqual(digest(given), expected);

  /** Has the token been sent by a program, or by a script that was given it? A browser never does so by itself. */
  function isBearer({ authorization = "" }: IncomingHttpHeaders): boolean {
    const [, given] = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization) ?? [];
    return given !== undefined && isToken(given);
  }

  function isBasic({ authorization = "" }: IncomingHttpHeaders): boolean {
    const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? [];
    if (encoded === undefined) return false;
    const login = Buffer.from(encoded, "base64").toString("utf8");
    return isToken(login.slice(login.indexOf(":") + 1));
  }

  return {
    isBearer,
    /**
     * May the request be answered? Where others reach the server, every one needs the token; on loopback those do that
     * may change something, if there is a token.
     */
    admits(method: string | undefined, headers: IncomingHttpHeaders): boolean {
      const onlyReads = method === "GET" || method === "HEAD";
      if (isOpen && (onlyReads || token === undefined)) return true;
      return isBearer(headers) || isBasic(headers);
    },
  };
}

/** Of equal length for all, so that the comparison tells nothing. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/**
 * How long the answer to a wrong token waits: the longer, the more of them there were lately, whoever sent them. Right ones
 * never wait.
 *
 * @param nowMs - a monotonic clock.
 * @returns called for each wrong token: ms.
 */
export function createSlowdown(nowMs: () => number = () => performance.now()): () => number {
  let lately = 0;
  let atMs = nowMs();
  return () => {
    const before = atMs;
    atMs = nowMs();
    lately = Math.min(MOST, Math.max(0, lately - (atMs - before) / FORGET_MS) + 1);
    return Math.max(0, lately - FREE) * STEP_MS;
  };
}
