import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PAGE_POLICY, readAssets } from "../../src/console/assets.ts";

const assets = readAssets("secret-token");
const text = (path: string) => assets.find((asset) => asset.path === path)?.body.toString("utf8") ?? "";
const scripts = assets.filter(({ path }) => path.endsWith(".js"));

describe("the page's files", () => {
  it("are less than 300 KB in all", () => {
    expect(assets.reduce((sum, { body }) => sum + body.length, 0)).toBeLessThan(300_000);
  });

  it("name each other and nothing elsewhere: it works without the internet", () => {
    for (const { path, body } of assets) {
      const addresses = body.toString("utf8").match(/(?:https?:)?\/\/[\w.-]+\.\w+[^\s"'`)]*/g) ?? [];
      expect(
        addresses.filter((address) => address !== "http://www.w3.org/2000/svg"),
        path,
      ).toEqual([]);
    }
    const named = [...text("/").matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)].map(([, path]) => path);
    for (const path of named)
      expect(
        assets.some((asset) => asset.path === path),
        path,
      ).toBe(true);
    expect(named).toEqual(expect.arrayContaining(scripts.map(({ path }) => path)));
  });

  it("have no inline script or style, and the policy allows none", () => {
    expect(text("/")).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
    expect(PAGE_POLICY).not.toMatch(/unsafe|https?:|\*/);
    for (const directive of ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'"]) {
      expect(PAGE_POLICY).toContain(directive);
    }
  });

  it("never make markup of a text", () => {
    for (const { path, body } of scripts) {
      expect(body.toString("utf8"), path).not.toMatch(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|srcdoc/,
      );
    }
  });

  it("carry the token in the head, once, and only there", () => {
    expect(text("/").match(/secret-token/g)).toHaveLength(1);
    expect(text("/")).toContain('<meta name="natstate-token" content="secret-token">');
    const html = readFileSync(new URL("../../src/console/page/index.html", import.meta.url), "utf8");
    expect(html).toContain('<meta name="natstate-token" content="">');
  });
});
