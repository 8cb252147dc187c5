/** One sample line of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with everything said of it. */
export interface Family {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/g;

/**
 * Reads Prometheus' text format 0.0.4 strictly, by metric name.
 *
 * @throws on a line that is none, on a sample outside its metric and on the same sample twice.
 */
export function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family & { samples: Sample[] }>();
  const seen = new Set<string>();
  for (const block of text.trimEnd().split("\n\n")) {
    const [help = "", type = "", ...lines] = block.split("\n");
    const [, name = "", text = ""] = /^# HELP (\S+) (.+)$/.exec(help) ?? [];
    const [, typed, kind = ""] = /^# TYPE (\S+) (\S+)$/.exec(type) ?? [];
    if (name === "" || typed !== name || families.has(name)) throw new Error(`no metric: ${help}`);
    const samples = lines.map(parseSample);
    for (const sample of samples) {
      const suffix = sample.name.slice(name.length);
      const allowed = kind === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      if (!sample.name.startsWith(name) || !allowed.includes(suffix)) throw new Error(`${sample.name} under ${name}`);
      const key = keyOf(sample);
      if (seen.has(key)) throw new Error(`twice: ${key}`);
      seen.add(key);
    }
    families.set(name, { help: text, type: kind, samples });
  }
  return families;
}

/** The value of one series of a family, by its labels; undefined when it is not shown. */
export function sampleOf(families: Map<string, Family>, name: string, labels: Record<string, string> = {}) {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
  const wanted = keyOf({ name, labels });
  return family?.samples.find((sample) => keyOf(sample) === wanted)?.value;
}

/** Name and labels, the same for any order of labels. */
export function keyOf({ name, labels }: Pick<Sample, "name" | "labels">): string {
  return `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
}

function parseSample(line: string): Sample {
  const [, name, inner = "", value = ""] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const found = [...inner.matchAll(LABEL)];
  if (found.map(([text]) => text).join("") !== inner) throw new Error(`no labels: ${inner}`);
  const number = value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value);
  if (Number.isNaN(number) && value !== "NaN") throw new Error(`no value: ${line}`);
  return { name, labels: Object.fromEntries(found.map(([, label, text]) => [label, text])), value: number };
}
