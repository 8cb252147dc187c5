import type { TypeDescription } from "./type-description.ts";

/** What a daemon answers about its types. */
export interface ToldTypes {
  readonly types: readonly TypeDescription[];
  /** The highest version of each type that any daemon it knows of has, by name; its own suffice when it is absent. */
  readonly known?: Readonly<Record<string, number>>;
}

/** What several daemons tell of their types, as one: of each type the highest version. */
export function gatherTypes() {
  const types = new Map<string, TypeDescription>();
  const named = new Map<string, number>();
  return {
    take(told: ToldTypes): void {
      for (const type of told.types) {
        if (type.version >= (types.get(type.name)?.version ?? 0)) types.set(type.name, type);
      }
      for (const [name, version] of Object.entries(told.known ?? {})) {
        named.set(name, Math.max(version, named.get(name) ?? 0));
      }
    },
    /** Is everything there that was named? */
    isComplete: () => [...named].every(([name, version]) => (types.get(name)?.version ?? -1) >= version),
    types: (): readonly TypeDescription[] => [...types.values()],
  };
}
