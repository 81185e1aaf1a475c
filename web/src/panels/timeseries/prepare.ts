import {
  type DataFrame,
  type Field,
  FieldType,
  type GrafanaTheme2,
  getFieldDisplayName,
  getFieldSeriesColor,
} from "../../grafana/data.ts";
import { type AlignedValues, alignSeries, stackSeries } from "./align.ts";
import { type GraphStyle, graphStyle } from "./options.ts";

/** A line of a chart. */
export interface GraphSeries {
  field: Field;
  name: string;
  color: string;
  style: GraphStyle;
  /** Own values beside the shared x axis, for tooltips. */
  values: AlignedValues;
  /** What is drawn: the sums of the stack up to here, or the values themselves. */
  drawn: AlignedValues;
  scaleKey: string;
  /** Index of the series below in its stack; -1 at the bottom or unstacked. */
  stackedOn: number;
}

export interface Exemplar {
  timeMs: number;
  value: number;
  traceId: string;
}

export interface GraphData {
  xSeconds: number[];
  series: GraphSeries[];
  exemplars: Exemplar[];
}

/** Most series one chart draws; beyond it nobody tells lines apart and the browser suffers. */
const SERIES_MAX = 300;

/** Turns frames into aligned, coloured, stacked series. Frames without a time column or numbers are passed over. */
export function prepareGraph(frames: readonly DataFrame[], theme: GrafanaTheme2): GraphData {
  const found: { field: Field; frame: DataFrame; time: Field }[] = [];
  const exemplars: Exemplar[] = [];
  for (const frame of frames) {
    if (frame.name === "exemplar") {
      exemplars.push(...readExemplars(frame));
      continue;
    }
    const time = frame.fields.find((field) => field.type === FieldType.time);
    if (time === undefined) continue;
    for (const field of frame.fields) {
      if (field.type === FieldType.number && !graphStyle(field).hiddenInViz && found.length < SERIES_MAX)
        found.push({ field, frame, time });
    }
  }
  const styles = found.map(({ field }) => graphStyle(field));
  const aligned = alignSeries(
    found.map(({ field, time }, index) => ({
      timesMs: time.values as number[],
      values: styles[index]!.negativeY
        ? negate(field.values as (number | null)[])
        : (field.values as (number | null)[]),
      intervalMs: time.config.interval ?? undefined,
      spanNulls: styles[index]!.drawStyle === "bars" ? false : styles[index]!.spanNulls,
    })),
  );
  const series = found.map(({ field, frame }, index): GraphSeries => {
    const style = styles[index]!;
    return {
      field,
      name: getFieldDisplayName(field, frame, frames as DataFrame[]),
      color: getFieldSeriesColor(field, theme).color,
      style,
      values: aligned.series[index]!,
      drawn: aligned.series[index]!,
      scaleKey: scaleKey(field, style),
      stackedOn: -1,
    };
  });
  stackGroups(series);
  return { xSeconds: aligned.xSeconds, series, exemplars };
}

function negate(values: readonly (number | null)[]): (number | null)[] {
  return values.map((value) => (value === null ? null : -value));
}

function stackGroups(series: GraphSeries[]): void {
  const groups = new Map<string, number[]>();
  series.forEach((one, index) => {
    if (one.style.stacking === "none") return;
    const key = `${one.style.stacking}|${one.style.stackGroup}|${one.scaleKey}|${one.style.drawStyle}|${one.style.negativeY}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [index]);
    else known.push(index);
  });
  for (const indexes of groups.values()) {
    const sums = stackSeries(
      indexes.map((index) => series[index]!.values),
      series[indexes[0]!]!.style.stacking === "percent",
    );
    indexes.forEach((index, layer) => {
      series[index]!.drawn = sums[layer]!;
      series[index]!.stackedOn = layer === 0 ? -1 : indexes[layer - 1]!;
    });
  }
}

/** Fields share an axis when unit, side, limits and distribution agree. */
function scaleKey(field: Field, style: GraphStyle): string {
  const side = style.axisPlacement === "right" ? "right" : style.axisPlacement === "hidden" ? "hidden" : "left";
  const unit = style.stacking === "percent" ? "percentunit" : (field.config.unit ?? "");
  return [unit, side, field.config.min ?? "", field.config.max ?? "", style.logBase ?? "", style.axisLabel].join("|");
}

function readExemplars(frame: DataFrame): Exemplar[] {
  const [time, value, traceId] = frame.fields;
  return Array.from({ length: frame.length }, (_, index) => ({
    timeMs: time!.values[index] as number,
    value: value!.values[index] as number,
    traceId: String(traceId!.values[index] ?? ""),
  })).filter((exemplar) => exemplar.traceId !== "" && Number.isFinite(exemplar.value));
}
