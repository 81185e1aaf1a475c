import {
  type DataFrame,
  type Field,
  FieldType,
  type GrafanaTheme2,
  getFieldDisplayName,
  getFieldSeriesColor,
} from "../../grafana/data.ts";
import { formatDateTime } from "../../time/format.ts";

/** A group of bars: one value per series. */
export interface BarData {
  categories: string[];
  series: BarSeries[];
  /** Each bar has its own colour and legend entry, because the categories are the series. */
  byCategory: boolean;
}

export interface BarSeries {
  name: string;
  color: string;
  /** Colour of single bars where it depends on the value. */
  colors: string[];
  values: (number | null)[];
  field: Field;
}

/** Most groups drawn; more cannot be read. */
const CATEGORIES_MAX = 60;

/**
 * Chooses what the bars stand for: the first text column, else the series themselves (an instant query, or bars that
 * lie, which leave no room for time), else time.
 */
export function readBars(
  frames: readonly DataFrame[],
  options: Record<string, unknown>,
  theme: GrafanaTheme2,
  timeZone: string,
): BarData {
  const filled = frames.filter((frame) => frame.length > 0);
  const textFrame = filled.find((frame) => frame.fields.some((field) => field.type === FieldType.string));
  if (textFrame !== undefined) return barsByText(textFrame, filled, options, theme);
  const isSingle = filled.every((frame) => frame.length === 1);
  if (isSingle || options["orientation"] === "horizontal") return barsBySeries(filled, theme);
  return barsByTime(filled, theme, timeZone);
}

function numberFields(frame: DataFrame): Field[] {
  return frame.fields.filter(
    (field) =>
      field.type === FieldType.number &&
      ((field.config.custom ?? {}) as { hideFrom?: { viz?: boolean } }).hideFrom?.viz !== true,
  );
}

function barsByText(
  frame: DataFrame,
  frames: readonly DataFrame[],
  options: Record<string, unknown>,
  theme: GrafanaTheme2,
): BarData {
  const wanted = options["xField"];
  const text =
    frame.fields.find((field) => getFieldDisplayName(field, frame) === wanted) ??
    frame.fields.find((field) => field.type === FieldType.string)!;
  const count = Math.min(frame.length, CATEGORIES_MAX);
  const series = numberFields(frame).map((field) =>
    barSeries(field, frame, frames, theme, (field.values as (number | null)[]).slice(0, count)),
  );
  return {
    categories: (text.values as unknown[]).slice(0, count).map((value) => String(value ?? "")),
    series,
    byCategory: false,
  };
}

function barsBySeries(frames: readonly DataFrame[], theme: GrafanaTheme2): BarData {
  const entries = frames
    .flatMap((frame) => numberFields(frame).map((field) => ({ frame, field })))
    .slice(0, CATEGORIES_MAX);
  const categories = entries.map(({ frame, field }) => getFieldDisplayName(field, frame, frames as DataFrame[]));
  const values = entries.map(({ field }) => lastNumber(field.values as (number | null)[]));
  const first = entries[0];
  if (first === undefined) return { categories: [], series: [], byCategory: true };
  const colors = entries.map(({ field }, index) => barColor(field, values[index]!, theme));
  return {
    categories,
    series: [{ name: "Value", color: colors[0]!, colors, values, field: first.field }],
    byCategory: true,
  };
}

function barsByTime(frames: readonly DataFrame[], theme: GrafanaTheme2, timeZone: string): BarData {
  const entries = frames.flatMap((frame) => {
    const time = frame.fields.find((field) => field.type === FieldType.time);
    return time === undefined ? [] : numberFields(frame).map((field) => ({ frame, field, time }));
  });
  const times = [...new Set(entries.flatMap(({ time }) => time.values as number[]))]
    .sort((a, b) => a - b)
    .slice(-CATEGORIES_MAX);
  const series = entries.map(({ frame, field, time }) => {
    const byTime = new Map(
      (time.values as number[]).map((ms, index) => [ms, (field.values as (number | null)[])[index] ?? null]),
    );
    return barSeries(
      field,
      frame,
      frames,
      theme,
      times.map((ms) => byTime.get(ms) ?? null),
    );
  });
  return { categories: times.map((ms) => formatDateTime(ms, timeZone).slice(11, 16)), series, byCategory: false };
}

function barSeries(
  field: Field,
  frame: DataFrame,
  frames: readonly DataFrame[],
  theme: GrafanaTheme2,
  values: (number | null)[],
): BarSeries {
  return {
    name: getFieldDisplayName(field, frame, frames as DataFrame[]),
    color: getFieldSeriesColor(field, theme).color,
    colors: values.map((value) => barColor(field, value, theme)),
    values,
    field,
  };
}

function barColor(field: Field, value: number | null, theme: GrafanaTheme2): string {
  const mode = field.config.color?.mode;
  if (mode === "thresholds" && value !== null)
    return field.display?.(value).color ?? getFieldSeriesColor(field, theme).color;
  return getFieldSeriesColor(field, theme).color;
}

function lastNumber(values: readonly (number | null)[]): number | null {
  for (let index = values.length - 1; index >= 0; index--) {
    const value = values[index];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

/** Counts values in equal buckets, about 30 of them at round bounds. */
export function histogramBuckets(
  values: readonly number[],
  size: number | undefined,
): { from: number; to: number; count: number }[] {
  if (values.length === 0) return [];
  const min = Math.min(...values);
  const max = Math.max(...values);
  const step = size ?? niceStep((max - min) / 30);
  const first = Math.floor(min / step) * step;
  const count = Math.min(500, Math.floor((max - first) / step) + 1);
  const buckets = Array.from({ length: count }, (_, index) => ({
    from: first + index * step,
    to: first + (index + 1) * step,
    count: 0,
  }));
  for (const value of values) buckets[Math.min(count - 1, Math.floor((value - first) / step))]!.count++;
  return buckets;
}

/** The smallest of 1, 2, 5 times a power of ten that is not below the size asked for. */
export function niceStep(size: number): number {
  if (!(size > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(size));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= size) return factor * power;
  return 10 * power;
}
