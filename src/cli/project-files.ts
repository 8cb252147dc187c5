import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

interface Example {
  /** Below `examples/`; its TypeScript is copied. */
  readonly folder: string;
  /** An event to begin with, as `natstate publish` takes it. */
  readonly firstEvent: string;
}

/** What a project can begin with, by the name one says. */
export const EXAMPLES = {
  booking: { folder: "booking", firstEvent: `SeatHeld '{"seat":"B7"}'` },
  claim: { folder: "insurance-claim", firstEvent: `ClaimFiled '{"amount":900}'` },
  device: { folder: "device-shadow", firstEvent: "Heartbeat '{}'" },
  checkout: { folder: "checkout", firstEvent: `CheckoutStarted '{"total":40}'` },
} as const satisfies Record<string, Example>;

export type ExampleName = keyof typeof EXAMPLES;

interface Project {
  /** Its last part is the project's name. */
  readonly dir: string;
  readonly example: ExampleName;
  /** Which natstate it depends on, as npm takes it. */
  readonly natstate: string;
}

/** Of natstate's own, what a project needs as well, in the versions natstate is tested with. */
interface OwnPackage {
  readonly peerDependencies: { readonly xstate: string; readonly zod: string };
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

/** The root of the clone, or of the package: code is in `src/` there, or in `dist/src/`. */
const ROOT = [join(import.meta.dirname, "../.."), join(import.meta.dirname, "../../..")].find((root) =>
  existsSync(join(root, "examples")),
);

/** A new project's files, by their paths in it. */
export function projectFiles(project: Project): ReadonlyMap<string, string> {
  const { folder } = EXAMPLES[project.example];
  const examples = join(ROOT ?? "", "examples", folder);
  const sources = readdirSync(examples).filter((name) => name.endsWith(".ts"));
  return new Map([
    ["package.json", json(packageJson(project))],
    ["tsconfig.json", json(TSCONFIG)],
    ["machines/registry.ts", registry(folder)],
    ...sources.map((name) => [`machines/${folder}/${name}`, readFileSync(join(examples, name), "utf8")] as const),
    ["nats.conf", readFileSync(join(import.meta.dirname, "../../nats.conf"), "utf8")],
    [".gitignore", "node_modules/\ndata/\n"],
    ["README.md", readme(project)],
  ]);
}

function packageJson({ dir, natstate }: Project): object {
  const { peerDependencies, allowScripts } = JSON.parse(
    readFileSync(join(ROOT ?? "", "package.json"), "utf8"),
  ) as OwnPackage;
  return {
    name: nameOf(dir),
    private: true,
    type: "module",
    scripts: {
      start: "natstate start",
      dev: "natstate dev",
      // By the Node that natstate brings, whichever runs npm: it comes first on a script's PATH.
      test: "node --test",
      check: "tsc && natstate check && npm test",
    },
    dependencies: { natstate, ...peerDependencies },
    devDependencies: { "@types/node": "^24.0.0", typescript: ">=5.8" },
    // That Node, which npm 12 installs only then.
    allowScripts,
  };
}

function nameOf(dir: string): string {
  return (
    basename(resolve(dir))
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, "-")
      .replaceAll(/^-+|-+$/g, "") || "actors"
  );
}

/** Node runs the TypeScript as it is: only what it can leave out is allowed. */
const TSCONFIG = {
  compilerOptions: {
    target: "ES2024",
    module: "NodeNext",
    types: ["node"],
    strict: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ["machines"],
};

function registry(folder: string): string {
  return `import actors from "./${folder}/actors.ts";

/** Every actor type this project has: \`natstate\` finds them here. */
export default [...actors];
`;
}

function readme({ dir, example }: Project): string {
  const { folder, firstEvent } = EXAMPLES[example];
  return `# ${nameOf(dir)}

Durable XState actors on NATS JetStream, by natstate. The statechart and what it
decides are in \`machines/${folder}/actors.ts\`, its specification beside it.

\`\`\`sh
npm install
npm test             # the specification: minutes and days pass in a millisecond, no NATS
npm start            # the daemon, a nats-server of its own, and the console on http://127.0.0.1:8484
npm run dev          # the same, started again at each change
npm run check        # types, all that a start would refuse, the tests
\`\`\`

While it runs, in another terminal:

\`\`\`sh
npx natstate publish it-1 ${firstEvent}
npx natstate get it-1
npx natstate watch --since 10m
npx natstate prove             # orders of arrival, repetitions and restarts, made up from the contract
\`\`\`

Data is in \`./data\`. For a NATS of your own: \`NATS_URL=nats://… npm start\`; \`nats.conf\` is a configuration to begin with.
`;
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
