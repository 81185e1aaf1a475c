import { type DataFrame, type Field, type FieldConfig, FieldType } from "../grafana/data.ts";

/** A column of a frame. */
export function field(
  name: string,
  type: FieldType,
  values: unknown[],
  config: FieldConfig = {},
  labels?: Record<string, string>,
): Field {
  return { name, type, values, config, ...(labels === undefined ? {} : { labels }) };
}

/** A frame; its length is that of its first column. */
export function frame(refId: string, fields: Field[], extra: Partial<DataFrame> = {}): DataFrame {
  return { refId, fields, length: fields[0]?.values.length ?? 0, ...extra };
}

/** Fills `{{label}}` in a legend format; a label that the series lacks stays readable as its name. */
function fillLegend(format: string, labels: Record<string, string>): string {
  return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name: string) => labels[name] ?? "");
}

/** `name{a="b"}` as Prometheus writes a series. */
function seriesName(labels: Record<string, string>): string {
  const { __name__: name = "", ...rest } = labels;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}="${value}"`);
  return pairs.length === 0 ? name || "{}" : `${name}{${pairs.join(", ")}}`;
}

/** A number as the engines write it: `NaN`, `+Inf` and `-Inf` included. NaN becomes null, which draws as a gap. */
export function parseSample(text: string): number | null {
  if (text === "+Inf" || text === "Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  const value = Number(text);
  return Number.isNaN(value) ? null : value;
}

/** A result series of a range or instant query, whichever engine gave it. */
export interface Series {
  labels: Record<string, string>;
  timesMs: number[];
  values: (number | null)[];
}

export interface SeriesFrameOptions {
  refId: string;
  /** The author's legend format; undefined or `__auto` lets the distinguishing labels speak. */
  legendFormat: string | undefined;
  /** Name of a series without labels and legend: the query itself. */
  fallbackName: string;
  stepMs?: number;
}

/** One frame per series, as Grafana's time-series panels expect. */
export function seriesFrames(series: readonly Series[], options: SeriesFrameOptions): DataFrame[] {
  return series.map(({ labels, timesMs, values }) => {
    const { __name__: metric, ...rest } = labels;
    const name = legendName(labels, options);
    return frame(
      options.refId,
      [
        field("Time", FieldType.time, timesMs, options.stepMs === undefined ? {} : { interval: options.stepMs }),
        field(metric ?? "Value", FieldType.number, values, name === undefined ? {} : { displayNameFromDS: name }, rest),
      ],
      name === undefined ? {} : { name },
    );
  });
}

function legendName(labels: Record<string, string>, options: SeriesFrameOptions): string | undefined {
  const { legendFormat } = options;
  const { __name__: metric, ...rest } = labels;
  const isAuto = legendFormat === "__auto";
  if (legendFormat !== undefined && legendFormat !== "" && !isAuto) return fillLegend(legendFormat, labels);
  if (Object.keys(rest).length === 0) return metric ?? options.fallbackName;
  return isAuto ? undefined : seriesName(labels);
}

/** All series as rows of one table: Time, one column per label, and the value (`Value #A` where queries are merged). */
export function tableFrame(series: readonly Series[], refId: string, valueName: string): DataFrame {
  const names = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].sort();
  const times: number[] = [];
  const values: (number | null)[] = [];
  const columns = names.map(() => [] as string[]);
  for (const one of series) {
    for (let index = 0; index < one.timesMs.length; index++) {
      times.push(one.timesMs[index]!);
      values.push(one.values[index]!);
      for (const [column, name] of names.entries()) columns[column]!.push(one.labels[name] ?? "");
    }
  }
  return frame(
    refId,
    [
      field("Time", FieldType.time, times),
      ...names.map((name, column) => field(name, FieldType.string, columns[column]!, { filterable: true })),
      field(valueName, FieldType.number, values),
    ],
    { meta: { preferredVisualisationType: "table" } },
  );
}
