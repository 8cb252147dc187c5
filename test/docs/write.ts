import { writeFileSync } from "node:fs";
import { pageOf, place, readPages, tables } from "./tables.ts";

/** Writes the tables of the docs anew from the code: `npm run docs`. */
const pages = readPages();
for (const [name, text] of Object.entries(tables())) {
  const path = pageOf(pages, name);
  pages.set(path, place(pages.get(path) ?? "", name, text));
}
for (const [path, page] of pages) writeFileSync(new URL(`../../${path}`, import.meta.url), page);
