/**
 * What steers a terminal, breaks a line or turns the direction of reading: controls, line and paragraph separators, bidi
 * marks and whatever else cannot be seen. The two joiners may stay, scripts and emoji need them.
 */
const STEERING = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu;

/** Text as one line for a terminal; what would steer it stands there as `\u001b`, as in JSON. */
export function toLine(text: string): string {
  return text.replace(STEERING, written);
}

/** Text of several lines, each as {@link toLine} gives it. Valid JSON stays the same JSON. */
export function toLines(text: string): string {
  return text.replace(STEERING, (char) => (char === "\n" ? char : written(char)));
}

function written(char: string): string {
  // In UTF-16, as JSON writes them.
  return [...Array(char.length).keys()]
    .map((index) => `\\u${char.charCodeAt(index).toString(16).padStart(4, "0")}`)
    .join("");
}
