import { createHash } from "node:crypto";
import type { ActorType } from "../../machines/actor-type.ts";
import type { ActorCounts, Stats } from "../flow/queries.ts";

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}
td,th{padding:.1rem 1.5rem .1rem 0;text-align:left}td:last-child{text-align:right;font-variant-numeric:tabular-nums}`;

/** The page's own style and nothing else: no script, no image, no request to anywhere. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** What the server offers, with how many actors are in which state. */
export function renderPage(sections: ReadonlyArray<{ readonly type: ActorType; readonly stats: Stats }>): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>natstate</title><style>${STYLE}</style></head><body>
<h1>natstate</h1>
${sections.map(({ type, stats }) => renderSection(type, stats)).join("\n")}
<h2>Operation</h2>
<ul>${["/api/stats", "/api/dead-letters", "/metrics", "/livez", "/readyz"].map(renderLink).join("")}</ul>
</body></html>
`;
}

function renderSection({ name, collection, states }: ActorType, stats: Stats): string {
  const { total, byState } = stats[collection] as ActorCounts;
  const path = `/api/${collection}`;
  const rows = Object.entries(byState).map(([state, count]) => {
    const label = states.includes(state)
      ? `<a href="${path}?state=${encodeURIComponent(state)}">${escapeHtml(state)}</a>`
      : escapeHtml(state);
    return `<tr><td>${label}</td><td>${count}</td></tr>`;
  });
  return `<h2>${escapeHtml(collection)}</h2>
<table>${rows.join("")}<tr><th>all</th><td>${total}</td></tr></table>
<ul>${renderLink(path)}<li><code>${path}/&lt;${escapeHtml(name)} id&gt;</code></li><li><code>${path}/&lt;${escapeHtml(name)} id&gt;/history</code></li></ul>`;
}

function renderLink(path: string): string {
  return `<li><a href="${path}"><code>${path}</code></a></li>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
