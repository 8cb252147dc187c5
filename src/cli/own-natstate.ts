import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

/** The doors of the package, as package.json has them: where its TypeScript is, and what was built of it. */
type Doors = Readonly<Record<string, { readonly "natstate-source": string; readonly default: string }>>;

/**
 * From now on, whoever imports `natstate` in this process gets the one that runs it: also a module in a directory where none
 * is installed, or another one. In a clone that is its TypeScript.
 */
export function shareOwnNatstate(): void {
  const isSource = import.meta.url.endsWith(".ts");
  // What was built is in dist/.
  const root = new URL(isSource ? "../../" : "../../../", import.meta.url);
  let doors: Doors | undefined;
  registerHooks({
    resolve(specifier, context, next) {
      if (!/^natstate(\/|$)/.test(specifier)) return next(specifier, context);
      doors ??= (JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { exports: Doors }).exports;
      const door = doors[`.${specifier.slice("natstate".length)}`];
      if (door === undefined) return next(specifier, context);
      const file = isSource ? door["natstate-source"] : door.default;
      return { url: new URL(file, root).href, shortCircuit: true };
    },
  });
}
