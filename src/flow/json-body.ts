import { isUtf8 } from "node:buffer";
import type { Rejected } from "../wire/rejection.ts";
import { invalid, reject } from "../wire/rejection.ts";
import { mismatch } from "./mismatch.ts";

/** Fields before they are checked against a contract. */
export type Fields = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 32;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * Reads bytes that have to be one JSON object, and nothing that could harm who reads it.
 *
 * @param name - of the bytes, for errors.
 */
export function readJsonObject(name: string, bytes: Uint8Array): { readonly fields: Fields } | Rejected {
  if (BYTE_ORDER_MARK.every((byte, at) => bytes[at] === byte)) {
    return reject("malformed_json", `${name}: begins with a byte order mark (BOM); send UTF-8 without one`);
  }
  if (!isUtf8(bytes)) return reject("malformed_json", `${name}: not UTF-8`);
  if (isNestedDeeper(bytes, MAX_DEPTH)) return invalid(`${name}: nested deeper than ${MAX_DEPTH} levels`);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // V8 quotes the body in its message; payloads stay out of headers and logs.
    const why = (error as Error).message.replace(/, (?:\.\.\.)?".*$/s, "");
    return reject("malformed_json", `${name}: ${text === "" ? "empty" : why}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return invalid(mismatch(name, "an object", value));
  }
  // The key survives JSON.parse as an own property; escapes can hide it from the first look, and only they can hold
  // half a character, which neither a column of the store nor canonical JSON can.
  if (text.includes("__proto__") || text.includes("\\u")) {
    const problem = findForbidden(value);
    if (problem !== null) return invalid(`${name}: ${problem}`);
  }
  return { fields: value as Fields };
}

function isNestedDeeper(body: Uint8Array, maxDepth: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > maxDepth) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}

/** @returns what no event may have anywhere, null when it has none of it. */
function findForbidden(value: unknown): string | null {
  if (typeof value === "string" && !value.isWellFormed()) return "text with a lone surrogate is not Unicode";
  if (typeof value !== "object" || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const problem =
      key === "__proto__" ? "the key __proto__ is not accepted" : (findForbidden(key) ?? findForbidden(inner));
    if (problem !== null) return problem;
  }
  return null;
}
