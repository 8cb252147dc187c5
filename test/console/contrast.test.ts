import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync(new URL("../../src/console/page/base.css", import.meta.url), "utf8");
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name = "", light = "", dark = ""]) => [
    name,
    { light, dark },
  ]),
);

const GROUNDS = ["bg", "surface", "sunken", "accent-soft"];
const TEXTS = ["ink", "muted", "accent"];

/** Pairs that meet on the page: what is read, and what has to be seen to find or read a control or a drawing. */
const read = [...TEXTS.flatMap((text) => GROUNDS.map((ground) => [text, ground])), ["on-accent", "accent"]];
const seen = ["strong-line", "accent"].flatMap((line) => ["bg", "surface"].map((ground) => [line, ground]));

/** Source: WCAG 2.2, "relative luminance" and "contrast ratio". */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

describe.each(["light", "dark"] as const)("the colours, %s", (scheme) => {
  const ratio = ([front = "", ground = ""]: string[]) =>
    contrast(colours.get(front)?.[scheme] ?? "", colours.get(ground)?.[scheme] ?? "");

  it.each(read)("%s is read on %s (4.5, AA)", (front, ground) => {
    expect(ratio([front, ground])).toBeGreaterThanOrEqual(4.5);
  });

  it.each(seen)("%s is seen on %s (3, AA)", (front, ground) => {
    expect(ratio([front, ground])).toBeGreaterThanOrEqual(3);
  });
});

it("no colour stands outside base.css, where these are checked", () => {
  const page = new URL("../../src/console/page/", import.meta.url);
  const others = readdirSync(page).filter((name) => name.endsWith(".css") && name !== "base.css");
  expect(others).toContain("actor.css");
  for (const name of others) {
    const text = readFileSync(new URL(name, page), "utf8");
    expect(text.match(/#[0-9a-f]{3,8}\b(?!\s*\{)|rgba?\(|hsla?\(/gi), name).toBeNull();
  }
});
