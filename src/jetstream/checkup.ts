import { DEAD_LETTERS_STREAM, DECISIONS_STREAM } from "../wire/names.ts";
import { apiErrorCode, isNobody } from "./connect.ts";
import { permissionError } from "./permission.ts";
import type { Session } from "./session.ts";

/** What a NATS server says about itself and about our account. */
export type ServerCheckup = Awaited<ReturnType<typeof checkServer>>;

/** May this user do it? `unknown` with what went wrong otherwise. */
export type Permission = "allowed" | "refused" | { readonly unknown: string };

const TIMEOUT_MS = 3000;
/** No stream has it: what expects it is refused by every stream, and stored by none. */
const NO_STREAM = "natstate-doctor";

export async function checkServer({ nc, jsm }: Session) {
  const { api, limits, storage } = await jsm.getAccountInfo();
  return {
    version: nc.info?.version ?? "unknown",
    cluster: nc.info?.cluster ?? null,
    /** JetStream's API level. */
    apiLevel: api.level ?? null,
    /** Bytes of streams on disk; the limit is null when the account has none. */
    storageBytes: storage,
    storageLimitBytes: limits.max_storage > 0 ? limits.max_storage : null,
    /** Local clock minus the server's, ms, give or take half a round trip; null when the server does not tell. */
    clockAheadMs: await measureClock(jsm),
  };
}

async function measureClock(jsm: Session["jsm"]): Promise<number | null> {
  const startedMs = Date.now();
  const info = (await jsm.streams.info(DECISIONS_STREAM).catch(() => undefined)) as { ts?: string } | undefined;
  const endedMs = Date.now();
  const serverMs = Date.parse(info?.ts ?? "");
  return Number.isNaN(serverMs) ? null : Math.round((startedMs + endedMs) / 2 - serverMs);
}

/**
 * May decisions and dead letters be published? Tried with messages that every stream refuses, so nothing is stored.
 *
 * @param collection - of an actor type, for example `orders`.
 */
export async function checkPublishing(session: Session, collection: string): Promise<Map<string, Permission>> {
  const subjects = [
    [DECISIONS_STREAM, `decisions.${collection}.natstate-doctor`],
    [DEAD_LETTERS_STREAM, `deadletters.${collection}.natstate-doctor`],
  ] as const;
  const found = new Map<string, Permission>();
  for (const [stream, subject] of subjects) found.set(stream, await mayPublish(session, subject));
  return found;
}

/** May a message be published there? Tried as {@link checkPublishing} does. */
export async function mayPublish({ js }: Session, subject: string): Promise<Permission> {
  try {
    await js.publish(subject, "", { expect: { streamName: NO_STREAM }, timeout: TIMEOUT_MS });
    return { unknown: "a message that expects another stream was stored" };
  } catch (error) {
    if (apiErrorCode(error) === EXPECTED_STREAM_DIFFERS) return "allowed";
    if (permissionError(error) !== undefined) return "refused";
    return { unknown: (error as Error).message };
  }
}

/** May a question be asked there, where no stream listens? Whoever listens is asked it. */
export async function mayAsk({ nc }: Pick<Session, "nc">, subject: string): Promise<Permission> {
  try {
    await nc.request(subject, "", { timeout: TIMEOUT_MS });
    return "allowed";
  } catch (error) {
    if (permissionError(error) !== undefined) return "refused";
    return isNobody(error) ? "allowed" : { unknown: (error as Error).message };
  }
}

/** May this user listen there? Tried for a moment. */
export async function mayListen({ nc }: Pick<Session, "nc">, subject: string): Promise<Permission> {
  let refused: Error | undefined;
  const listening = nc.subscribe(subject, {
    callback(error) {
      refused ??= error ?? undefined;
    },
  });
  // The server says no before it answers this.
  await nc.flush();
  listening.unsubscribe();
  if (refused === undefined) return "allowed";
  return permissionError(refused) === undefined ? { unknown: refused.message } : "refused";
}

/** The server's `err_code` for an expected stream that is another one. */
const EXPECTED_STREAM_DIFFERS = 10060;
