// Makes dist/, which the package has in place of the TypeScript: Node strips no types below node_modules. It is laid out
// as the clone is, so that code finds its files alike in both. npm runs this (as `prepare`) when it packs natstate,
// links it, or installs it from git; never for `npm ci` in a clone.
import { execFileSync } from "node:child_process";
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { chdir, execPath } from "node:process";

chdir(`${import.meta.dirname}/..`);
rmSync("dist", { recursive: true, force: true });
execFileSync(execPath, ["node_modules/typescript/bin/tsc", "-p", ".tsconfig.build.json"], { stdio: "inherit" });
for (const path of [
  "nats.conf",
  ...globSync("src/store/migrations/*.sql"),
  ...globSync("src/console/page/*.{html,js,css,svg}"),
  ...globSync("machines/*/machine.ts"), // as `natstate machine export --format source` shows it
]) {
  cpSync(path, `dist/${path}`);
}
// What the command says of itself; whatever else package.json has means nothing in here.
const { version, description, type } = JSON.parse(readFileSync("package.json", "utf8"));
writeFileSync("dist/package.json", `${JSON.stringify({ version, description, type })}\n`);
