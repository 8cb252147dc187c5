const CENSORED = "[redacted]";
/** Names of secrets, alone or as the end of a longer name: `pass`, `natsPass`, `NATS_CREDS`. */
const SECRET = "(?:password|passwd|pass|token|creds|credentials|authorization|secret)";
const SECRET_NAME = new RegExp(`${SECRET}$`, "i");
/** `user:password@` or `token@` of a URL. Bounded, so that a long text full of `://` costs no quadratic time. */
const USERINFO = /:\/\/[^\s,]{1,2048}@/g;
const SUSPECT = new RegExp(`${SECRET}":|${USERINFO.source}`, "i");

/**
 * Removes secrets from one log line: the value of every key named like a secret, at any depth, and the user part of
 * every URL in any text, message and stack included.
 *
 * @param line - a JSON object.
 * @returns the line itself when there is nothing to hide; the last look every line gets before it is written.
 */
export function redact(line: string): string {
  if (!SUSPECT.test(line)) return line;
  return `${JSON.stringify(JSON.parse(line, censor))}\n`;
}

function censor(name: string, value: unknown): unknown {
  if (SECRET_NAME.test(name)) return CENSORED;
  return typeof value === "string" ? value.replace(USERINFO, `://${CENSORED}@`) : value;
}
