const CENSORED = "[redacted]";
/** Names of secrets, alone or as the end of a longer name: `pass`, `natsPass`, `NATS_CREDS`. */
const SECRET = "(?:password|passwd|pass|token|creds|credentials|authorization|secret)";
const SECRET_NAME = new RegExp(`${SECRET}$`, "i");
const SECRET_KEY = new RegExp(`${SECRET}":`, "i");
const WORDS = /[^\s,]+/g;

/**
 * Removes secrets from one log line: the value of every key named like a secret, at any depth, and the user part of
 * every URL (`user:password@`, `token@`) in any text, message and stack included.
 *
 * The last look every line gets before it is written; 0.3 us for a line without a suspicion, linear for any.
 *
 * @param line - a JSON object.
 * @returns the line itself when there is nothing to hide.
 */
export function redact(line: string): string {
  if (!SECRET_KEY.test(line) && !mayHoldUserinfo(line)) return line;
  return `${JSON.stringify(JSON.parse(line, censor))}\n`;
}

function mayHoldUserinfo(text: string): boolean {
  const scheme = text.indexOf("://");
  return scheme !== -1 && text.lastIndexOf("@") > scheme;
}

function censor(name: string, value: unknown): unknown {
  if (SECRET_NAME.test(name)) return CENSORED;
  return typeof value === "string" && mayHoldUserinfo(value) ? value.replace(WORDS, censorUrl) : value;
}

/** Up to the last @, because passwords hold @ and / more often than they are escaped. */
function censorUrl(word: string): string {
  const start = word.indexOf("://") + 3;
  const end = word.lastIndexOf("@");
  return mayHoldUserinfo(word) ? `${word.slice(0, start)}${CENSORED}${word.slice(end)}` : word;
}
