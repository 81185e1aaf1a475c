/** What one family of an exposition page is. */
interface LintedFamily {
  readonly type: string;
  readonly samples: string[];
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (\S+)( # \{[^}]*\} \S+ \S+)?$/;
/** What a sample's name may add to its family's. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ["_total"],
  gauge: [""],
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
  info: ["_info"],
};

/**
 * Complaints about a page of `GET /metrics`, in the sense of `promtool check metrics` and of the OpenMetrics text: HELP
 * and TYPE once per family and before its samples, families in one piece, no series twice, histograms whole and
 * ascending, names and types that fit.
 */
export function lintExposition(page: string, openMetrics: boolean): string[] {
  const complaints: string[] = [];
  const lines = page.split("\n");
  if (lines.pop() !== "") complaints.push("the page does not end with a newline");
  if (openMetrics && lines.pop() !== "# EOF") complaints.push("the page does not end with # EOF");
  const families = new Map<string, LintedFamily>();
  const seen = new Set<string>();
  let current = "";
  let helped = "";
  for (const line of lines) {
    const [, kind, name, text] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") {
      if (text!.trim() === "") complaints.push(`${name}: no help`);
      helped = name!;
    } else if (kind === "TYPE") {
      if (helped !== name) complaints.push(`${name}: TYPE without HELP before it`);
      if (families.has(name!)) complaints.push(`${name}: two families of one name`);
      if (SUFFIXES[text!] === undefined) complaints.push(`${name}: type ${text}`);
      families.set(name!, { type: text!, samples: [] });
      current = name!;
    } else {
      const match = SAMPLE.exec(line);
      if (match === null) complaints.push(`not a sample: ${line}`);
      else complaints.push(...lintSample(match, families.get(current), current, openMetrics, seen));
    }
  }
  for (const [name, family] of families)
    if (family.type === "histogram") complaints.push(...lintHistogram(name, family));
  return complaints;
}

function lintSample(
  [line, name, labels = "", value, exemplar]: RegExpExecArray,
  family: LintedFamily | undefined,
  familyName: string,
  openMetrics: boolean,
  seen: Set<string>,
): string[] {
  if (family === undefined) return [`${line}: a sample before any TYPE`];
  const complaints: string[] = [];
  // The text format has no infos, and its counters carry their suffix in the family's name.
  const suffixes = !openMetrics && family.type === "counter" ? [""] : SUFFIXES[family.type]!;
  if (!suffixes.some((suffix) => name === familyName + suffix)) complaints.push(`${name}: not of family ${familyName}`);
  if (family.type === "counter" && !name!.endsWith("_total")) complaints.push(`${name}: a counter without _total`);
  if (seen.has(name! + labels)) complaints.push(`${name}${labels}: twice`);
  seen.add(name! + labels);
  if (value !== "+Inf" && !Number.isFinite(Number(value))) complaints.push(`${name}${labels}: value ${value}`);
  if (family.type === "counter" && Number(value) < 0) complaints.push(`${name}${labels}: a negative counter`);
  if (exemplar !== undefined && !openMetrics) complaints.push(`${name}${labels}: an exemplar in the text format`);
  family.samples.push(line!);
  return complaints;
}

function lintHistogram(name: string, { samples }: LintedFamily): string[] {
  const complaints: string[] = [];
  const series = new Map<string, { bounds: number[]; counts: number[]; count: number }>();
  for (const line of samples) {
    const [, sample, labels = "", value] = SAMPLE.exec(line)!;
    const key = labels.replace(/,?le="[^"]*"/, "").replace("{}", "");
    const entry = series.get(key) ?? { bounds: [], counts: [], count: Number.NaN };
    series.set(key, entry);
    if (sample === `${name}_count`) entry.count = Number(value);
    if (sample !== `${name}_bucket`) continue;
    const bound = /le="([^"]*)"/.exec(labels)?.[1];
    entry.bounds.push(bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound));
    entry.counts.push(Number(value));
  }
  for (const [key, { bounds, counts, count }] of series) {
    const ascending = (values: number[]): boolean =>
      values.every((value, index) => index === 0 || value >= values[index - 1]!);
    if (!ascending(bounds) || bounds.at(-1) !== Number.POSITIVE_INFINITY) complaints.push(`${name}${key}: bounds`);
    if (!ascending(counts) || counts.at(-1) !== count) complaints.push(`${name}${key}: counts`);
  }
  return complaints;
}
