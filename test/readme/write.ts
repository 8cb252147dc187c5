import { readFileSync, writeFileSync } from "node:fs";
import { place, readmeTables } from "./tables.ts";

/** Writes the README's tables anew from the code: `npm run readme`. */
const file = new URL("../../README.md", import.meta.url);
let readme = readFileSync(file, "utf8");
for (const [name, text] of Object.entries(readmeTables())) readme = place(readme, name, text);
writeFileSync(file, readme);
