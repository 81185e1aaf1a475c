import { type DataFrame, type Field, FieldType, getFieldDisplayName } from "../../grafana/data.ts";

/** Counts by time and bucket. */
export interface HeatData {
  timesMs: number[];
  /** Distance of columns in ms. */
  stepMs: number;
  /** Names of the rows, lowest first. */
  rows: string[];
  /** Shape [rows.length][timesMs.length]; null where nothing was measured. */
  counts: (number | null)[][];
  max: number;
}

/** Rows from bucket series (labelled `le`), or from raw values when the panel is to count them itself. */
export function readHeat(frames: readonly DataFrame[], calculate: boolean): HeatData {
  const entries = frames.flatMap((frame) => {
    const time = frame.fields.find((field) => field.type === FieldType.time);
    return time === undefined
      ? []
      : frame.fields.filter((field) => field.type === FieldType.number).map((field) => ({ frame, time, field }));
  });
  const timesMs = [...new Set(entries.flatMap(({ time }) => time.values as number[]))].sort((a, b) => a - b);
  const stepMs = entries[0]?.time.config.interval ?? smallestGap(timesMs);
  const index = new Map(timesMs.map((ms, position) => [ms, position]));
  const columns = entries.map(({ time, field }) => spread(time, field, index));
  if (calculate) return { timesMs, stepMs, ...countValues(columns, timesMs.length) };
  const order = entries
    .map((_, position) => position)
    .sort((a, b) => bound(entries[a]!.field) - bound(entries[b]!.field) || a - b);
  let counts = order.map((position) => columns[position]!);
  if (isCumulative(counts) && entries.every(({ field }) => field.labels?.["le"] !== undefined))
    counts = counts.map((row, position) => (position === 0 ? row : difference(row, counts[position - 1]!)));
  const rows = order.map((position) =>
    getFieldDisplayName(entries[position]!.field, entries[position]!.frame, frames as DataFrame[]),
  );
  return { timesMs, stepMs, rows, counts, max: largest(counts) };
}

function smallestGap(times: readonly number[]): number {
  let gap = Number.POSITIVE_INFINITY;
  for (let index = 1; index < times.length; index++) gap = Math.min(gap, times[index]! - times[index - 1]!);
  return Number.isFinite(gap) ? gap : 60_000;
}

function bound(field: Field): number {
  const le = field.labels?.["le"];
  if (le === undefined) return 0;
  return le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
}

function spread(time: Field, field: Field, index: ReadonlyMap<number, number>): (number | null)[] {
  const row = new Array<number | null>(index.size).fill(null);
  (time.values as number[]).forEach((ms, position) => {
    row[index.get(ms)!] = (field.values as (number | null)[])[position] ?? null;
  });
  return row;
}

/** Whether every row holds at least what the row below it holds: then buckets count from zero up. */
function isCumulative(counts: readonly (number | null)[][]): boolean {
  if (counts.length < 2) return false;
  return counts.every(
    (row, position) =>
      position === 0 || row.every((value, column) => (value ?? 0) >= (counts[position - 1]![column] ?? 0) - 1e-9),
  );
}

function difference(row: readonly (number | null)[], below: readonly (number | null)[]): (number | null)[] {
  return row.map((value, column) => (value === null ? null : Math.max(0, value - (below[column] ?? 0))));
}

function countValues(columns: readonly (number | null)[][], length: number): Pick<HeatData, "rows" | "counts" | "max"> {
  const all = columns.flat().filter((value): value is number => value !== null && Number.isFinite(value));
  if (all.length === 0) return { rows: [], counts: [], max: 0 };
  const low = Math.min(...all);
  const size = (Math.max(...all) - low) / 20 || 1;
  const rows = Array.from({ length: 21 }, (_, index) => String(Number((low + index * size).toPrecision(4))));
  const counts = rows.map(() => new Array<number | null>(length).fill(0));
  for (const column of columns) {
    column.forEach((value, position) => {
      if (value === null || !Number.isFinite(value)) return;
      const row = counts[Math.min(rows.length - 1, Math.floor((value - low) / size))]!;
      row[position] = (row[position] ?? 0) + 1;
    });
  }
  return { rows, counts, max: largest(counts) };
}

function largest(counts: readonly (number | null)[][]): number {
  let max = 0;
  for (const row of counts) for (const value of row) if (value !== null && value > max) max = value;
  return max;
}

/** Colours from weak to strong; each scheme is a few stops that are mixed between. */
const SCHEMES: Record<string, { dark: string[]; light: string[] }> = {
  oranges: {
    dark: ["#2b1a10", "#7f2704", "#d94801", "#fd8d3c", "#fdd0a2"],
    light: ["#fff5eb", "#fdd0a2", "#fd8d3c", "#d94801", "#7f2704"],
  },
  blues: {
    dark: ["#0b1a2e", "#08519c", "#3182bd", "#6baed6", "#c6dbef"],
    light: ["#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b"],
  },
  greens: {
    dark: ["#0c2012", "#006d2c", "#31a354", "#74c476", "#c7e9c0"],
    light: ["#f7fcf5", "#c7e9c0", "#74c476", "#238b45", "#00441b"],
  },
  reds: {
    dark: ["#2a0d0d", "#a50f15", "#de2d26", "#fb6a4a", "#fcbba1"],
    light: ["#fff5f0", "#fcbba1", "#fb6a4a", "#cb181d", "#67000d"],
  },
  purples: {
    dark: ["#1b1430", "#54278f", "#756bb1", "#9e9ac8", "#dadaeb"],
    light: ["#fcfbfd", "#dadaeb", "#9e9ac8", "#6a51a3", "#3f007d"],
  },
  viridis: {
    dark: ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"],
    light: ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"],
  },
  turbo: {
    dark: ["#30123b", "#28bceb", "#a4fc3c", "#fb7e21", "#7a0403"],
    light: ["#30123b", "#28bceb", "#a4fc3c", "#fb7e21", "#7a0403"],
  },
  spectral: {
    dark: ["#3288bd", "#99d594", "#ffffbf", "#fc8d59", "#d53e4f"],
    light: ["#3288bd", "#99d594", "#ffffbf", "#fc8d59", "#d53e4f"],
  },
};

/** A colour for a share of 0 to 1. */
export function heatColor(scheme: string, isDark: boolean, share: number): string {
  const stops = (SCHEMES[scheme.toLowerCase()] ?? SCHEMES["oranges"]!)[isDark ? "dark" : "light"];
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(place));
  return mix(stops[index]!, stops[index + 1]!, place - index);
}

function mix(from: string, to: string, share: number): string {
  const channel = (color: string, start: number) => Number.parseInt(color.slice(start, start + 2), 16);
  const parts = [1, 3, 5].map((start) =>
    Math.round(channel(from, start) + (channel(to, start) - channel(from, start)) * share),
  );
  return `rgb(${parts.join(",")})`;
}
