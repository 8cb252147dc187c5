import { isUtf8 } from "node:buffer";
import type { RedriveOutcome } from "../answers/dead-letters.ts";
import { type DeadLetterHead, type DeadLetterMessage, releaseOf } from "../jetstream/dead-letters.ts";
import { pairs, table, terminalColumns } from "./output.ts";

export function renderDeadLetters(letters: readonly DeadLetterHead[]): string[] {
  if (letters.length === 0) return ["no dead letters"];
  const rows = letters.map(({ sequence, deadAt, reason, subject, error }) => [
    sequence,
    deadAt,
    reason,
    subject,
    error,
  ]);
  return table(["seq", "dead since", "reason", "subject", "error"], rows, terminalColumns());
}

/** One dead letter with its headers and its bytes: as text when they are text, otherwise in hex. */
export function renderDeadLetter(letter: DeadLetterMessage): string[] {
  const release = releaseOf(letter);
  const about = pairs([
    ["dead letter", String(letter.sequence)],
    ["reason", letter.reason],
    ["error", letter.error],
    ["subject", letter.subject],
    ["stored in", `${letter.stream}, sequence ${letter.streamSequence}`],
    ["dead since", letter.deadAt],
    ...(letter.redrivenFrom === null ? [] : [["redriven from", `dead letter ${letter.redrivenFrom}`] as const]),
    ...(release === undefined ? [] : [["after a fix", release] as const]),
    ["bytes", String(letter.bytes)],
    ...letter.headers.map(([name, value]) => ["header", `${name}: ${value}`] as const),
  ]);
  return [...about, "", ...renderBody(letter.body)];
}

/** Original bytes in lines: as text when they are text, otherwise in hex. */
export function renderBody(body: Uint8Array): string[] {
  // Set apart: a line of the body must not read as one of ours.
  return isText(body)
    ? Buffer.from(body)
        .toString("utf8")
        .split("\n")
        .map((line) => `  ${line}`)
    : hex(body);
}

/** One line about a dead letter that was sent again, or would be. */
export function describeRedriven(
  letter: DeadLetterHead,
  redriven: RedriveOutcome | { outcome: "would_redrive" },
): string {
  const what = `${letter.sequence}  ${letter.subject}`;
  switch (redriven.outcome) {
    case "redriven":
      return `${what}  redriven, now ${redriven.streamSequence} in ${letter.stream}`;
    case "would_redrive":
      return `${what}  would be redriven (${letter.reason}, ${letter.bytes} bytes)`;
    case "duplicate":
      return `${what}  duplicate: ${redriven.error}`;
    case "failed":
      return `${what}  failed: ${redriven.error}`;
    default:
      return redriven satisfies never;
  }
}

export function encodeBody(body: Uint8Array): { body: string; encoding: "utf8" | "base64" } {
  const bytes = Buffer.from(body);
  return isUtf8(bytes)
    ? { body: bytes.toString("utf8"), encoding: "utf8" }
    : { body: bytes.toString("base64"), encoding: "base64" };
}

function isText(body: Uint8Array): boolean {
  return isUtf8(body) && !/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(Buffer.from(body).toString("utf8"));
}

/** Sixteen bytes a line: offset, hex, ASCII. */
function hex(body: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < body.length; at += 16) {
    const bytes = Buffer.from(body.subarray(at, at + 16));
    const codes = bytes.toString("hex").replace(/(..)(?!$)/g, "$1 ");
    const letters = bytes.toString("latin1").replace(/[^\x20-\x7e]/g, ".");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${codes.padEnd(47)}  ${letters}`);
  }
  return lines;
}
