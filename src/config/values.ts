import { isIPv4 } from "node:net";
import { availableParallelism } from "node:os";
import { z } from "zod";

/*
 * The kinds of values settings have. Every message says what was expected; none repeats the value, which may be secret.
 */

/** `true` or `false`. */
export const flag = z.enum(["true", "false"], "expected true or false").transform((value) => value === "true");

/** A whole number within bounds. */
export const integer = (least: number, most: number) =>
  z
    .string()
    .regex(/^-?\d+$/, `expected a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `expected a whole number from ${least} to ${most}`);

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** How many daemons; `auto` is one for each core. */
export const daemonCount = z
  .string()
  .regex(/^(auto|\d{1,2})$/, "expected a whole number from 1 to 64, or auto")
  .transform((value) => (value === "auto" ? Math.min(availableParallelism(), 64) : Number(value)))
  .refine((value) => value >= 1 && value <= 64, "expected a whole number from 1 to 64, or auto");

/** A duration with its unit, in milliseconds. */
export const duration = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, "expected a duration such as 500ms, 30s, 15m, 12h or 30d")
  .transform((value) => {
    const unit = value.replace(/^\d+/, "") as keyof typeof UNITS_MS;
    return Number.parseInt(value, 10) * UNITS_MS[unit];
  });

/** A duration, or null: off. */
export const optionalDuration = z
  .string()
  .regex(/^(off|\d+(ms|s|m|h|d))$/, "expected a duration such as 2s or 1m, or off")
  .transform((value) => (value === "off" ? null : duration.parse(value) || null));

/** Where to listen; null for `off`. */
export const listenAddress = z
  .string()
  .regex(/^(off|(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5})$/, "expected host:port such as 127.0.0.1:8484, or off")
  .transform((value) => {
    if (value === "off") return null;
    const at = value.lastIndexOf(":");
    return { host: value.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(value.slice(at + 1)) };
  })
  .refine((value) => value === null || value.port <= 65_535, "expected a port up to 65535");

/** The host is strict, so that a piece of a password with an unescaped comma is not taken, and shown, for one. */
const NATS_SERVER = /^((nats|tls):\/\/)?([^\s,/]*@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/;

/** One or more NATS URLs, comma-separated. */
export const natsUrl = z
  .string()
  .refine(
    (urls) => urls.split(",").every((url) => NATS_SERVER.test(url.trim())),
    "expected nats://host:port or tls://host:port (ws:// is not spoken here), several separated by commas; / and , in a password are written %2F and %2C",
  );

/** A path in the file system. */
export const path = z.string().min(1);

/** Host names, comma-separated, in lower case. */
export const hostNames = z
  .string()
  .regex(/^[A-Za-z0-9.-]+(,\s*[A-Za-z0-9.-]+)*$/, "expected host names separated by commas, without ports")
  .transform((names) => names.split(",").map((name) => name.trim().toLowerCase()));

/** A secret that travels in an HTTP header. */
export const token = z
  .string()
  .regex(/^[\x21-\x7e]{16,256}$/, "expected 16 to 256 printable characters without spaces");

/** A NATS URL, or several, fit for a log: user and password are masked. */
export function maskUrl(urls: string): string {
  return urls
    .split(",")
    .map((url) => url.replace(/^(\s*[a-z]+:\/\/)?.*@/i, "$1***@"))
    .join();
}

/** By https, or on this machine: `http://` elsewhere can be answered by anybody on the way. */
export function isSafeMirror(url: string): boolean {
  const { protocol, hostname = "" } = URL.parse(url) ?? {};
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname.replace(/^\[|\]$/g, "")));
}

/** Where programs are fetched from. */
export const mirrorUrl = z.string().refine(isSafeMirror, "expected https://, or http:// on 127.0.0.1");

/** Is the address one that only this machine reaches? */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
