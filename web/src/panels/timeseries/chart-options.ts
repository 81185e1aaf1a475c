import uPlot from "uplot";
import { type Field, formattedValueToString, type GrafanaTheme2 } from "../../grafana/data.ts";
import { axisLabels, intlZone } from "../../time/format.ts";
import type { TimeRange } from "../../time/range.ts";
import { withAlpha } from "../color.ts";
import { drawThresholds } from "./draw-thresholds.ts";
import type { GraphData, GraphSeries } from "./prepare.ts";

const FONT = '12px Inter, "Helvetica Neue", Arial, sans-serif';
/** Average width of a character in the axis font, in pixels; good enough to reserve room for labels. */
const CHAR_WIDTH_PX = 6.6;

export interface ChartInput {
  data: GraphData;
  width: number;
  height: number;
  range: TimeRange;
  timeZone: string;
  theme: GrafanaTheme2;
  hidden: ReadonlySet<string>;
  cursorKey: string | undefined;
  onZoom: ((fromMs: number, toMs: number) => void) | undefined;
  hooks: uPlot.Hooks.Arrays;
}

/** uPlot's options for a chart: scales and axes per unit, one series entry per line, hooks for thresholds and zoom. */
export function chartOptions(input: ChartInput): uPlot.Options {
  const { data, theme, range } = input;
  const scales: uPlot.Scales = {
    x: { time: true, range: () => [input.range.fromMs / 1_000, input.range.toMs / 1_000] },
  };
  const axes: uPlot.Axis[] = [timeAxis(input)];
  const byScale = new Map<string, GraphSeries[]>();
  for (const series of data.series) {
    const known = byScale.get(series.scaleKey);
    if (known === undefined) byScale.set(series.scaleKey, [series]);
    else known.push(series);
  }
  for (const [key, members] of byScale) {
    scales[key] = valueScale(members);
    if (members[0]!.style.axisPlacement !== "hidden") axes.push(valueAxis(key, members, axes.length === 1, theme));
  }
  return {
    width: input.width,
    height: input.height,
    padding: [8, axes.length > 2 ? 4 : 10, 0, 0],
    tzDate: (timestamp) => zonedDate(timestamp, input.timeZone),
    ms: 1e-3,
    scales,
    axes,
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: input.onZoom !== undefined, y: false, setScale: false },
      points: { size: 6, width: 1 },
      focus: { prox: 30 },
      sync: input.cursorKey === undefined ? undefined : { key: input.cursorKey, scales: ["x", null] },
    },
    focus: { alpha: 1 },
    series: [{}, ...data.series.map((series, index) => seriesOptions(series, index, input))],
    bands: data.series.flatMap((series, index) =>
      series.stackedOn < 0 ? [] : [{ series: [index + 1, series.stackedOn + 1] as [number, number] }],
    ),
    hooks: {
      ...input.hooks,
      drawClear: [(chart) => drawThresholds(chart, data.series, theme)],
      setSelect: [
        (chart) => {
          if (chart.select.width < 4) return;
          const from = chart.posToVal(chart.select.left, "x");
          const to = chart.posToVal(chart.select.left + chart.select.width, "x");
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          input.onZoom?.(Math.round(from * 1_000), Math.round(to * 1_000));
        },
      ],
    },
    ...(range.toMs > range.fromMs ? {} : { scales }),
  };
}

function zonedDate(timestamp: number, timeZone: string): Date {
  const zone = intlZone(timeZone);
  const date = new Date(timestamp * 1_000);
  if (zone === undefined) return date;
  try {
    return uPlot.tzDate(date, zone === "UTC" ? "Etc/UTC" : zone);
  } catch {
    // An unknown zone: draw the ticks in the browser's own.
    return date;
  }
}

function timeAxis({ theme, timeZone }: ChartInput): uPlot.Axis {
  return {
    scale: "x",
    font: FONT,
    stroke: theme.colors.text.primary,
    grid: gridStyle(theme),
    ticks: { ...gridStyle(theme), size: 4 },
    size: 26,
    gap: 5,
    space: 70,
    values: (_, splits, __, ___, stepSeconds) => axisLabels(splits, stepSeconds, timeZone),
  };
}

function gridStyle(theme: GrafanaTheme2): { stroke: string; width: number } {
  return { stroke: theme.isDark ? "rgba(240, 250, 255, 0.09)" : "rgba(0, 10, 23, 0.09)", width: 1 };
}

function valueAxis(key: string, members: GraphSeries[], isFirst: boolean, theme: GrafanaTheme2): uPlot.Axis {
  const { style, field } = members[0]!;
  const isRight = style.axisPlacement === "right" || (!isFirst && style.axisPlacement === "auto");
  return {
    scale: key,
    side: isRight ? 1 : 3,
    font: FONT,
    stroke: theme.colors.text.primary,
    grid: { ...gridStyle(theme), show: style.axisGridShow ?? isFirst },
    ticks: { show: false },
    gap: 6,
    space: 32,
    label: style.axisLabel === "" ? undefined : style.axisLabel,
    labelFont: FONT,
    labelSize: 18,
    labelGap: 0,
    size: (_, values) => style.axisWidth ?? axisSize(values),
    values: (_, splits, __, ___, step) => axisTexts(field, style.stacking === "percent", splits, step),
    incrs: style.logBase === undefined ? valueIncrements(field) : undefined,
  } as uPlot.Axis;
}

function axisSize(values: readonly string[] | null): number {
  const longest = Math.max(0, ...(values ?? []).map((value) => (value ?? "").length));
  return Math.ceil(longest * CHAR_WIDTH_PX) + 14;
}

/** Whole numbers only where the unit counts things. */
function valueIncrements(field: Field): number[] | undefined {
  return field.config.decimals === 0
    ? [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1e8, 1e9,
        1e10,
      ]
    : undefined;
}

function axisTexts(field: Field, isPercent: boolean, splits: readonly number[], step: number): string[] {
  if (isPercent) return splits.map((value) => `${Math.round(value * 100)}%`);
  const decimals = field.config.decimals ?? undefined;
  const texts = splits.map((value) => (value === null ? "" : display(field, value, decimals)));
  // Two ticks that read the same help nobody: give them the decimals of their step.
  if (new Set(texts).size === texts.length) return texts;
  const needed = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step || 1))));
  return splits.map((value) => (value === null ? "" : display(field, value, Math.max(needed, 1))));
}

function display(field: Field, value: number, decimals: number | undefined): string {
  return field.display === undefined ? String(value) : formattedValueToString(field.display(value, decimals));
}

function valueScale(members: GraphSeries[]): uPlot.Scale {
  const { style, field } = members[0]!;
  const hardMin = field.config.min ?? undefined;
  const hardMax = field.config.max ?? undefined;
  if (style.logBase !== undefined) {
    return {
      distr: 3,
      log: style.logBase === 10 ? 10 : 2,
      range: (_, dataMin, dataMax) => {
        const low = Math.max(dataMin ?? 0.1, Number.MIN_VALUE);
        const high = Math.max(dataMax ?? 1, low);
        const [min, max] = uPlot.rangeLog(
          low === 0 ? 0.001 : low,
          high === low ? high * 10 : high,
          style.logBase === 10 ? 10 : 2,
          true,
        );
        return [hardMin ?? min ?? 0.001, hardMax ?? max ?? 1];
      },
    };
  }
  const softMin = style.axisSoftMin ?? 0;
  const softMax = style.axisSoftMax ?? (style.stacking === "percent" ? 1 : undefined);
  return {
    range: (_, dataMin, dataMax) => {
      if (style.stacking === "percent") return [0, 1];
      const low = dataMin ?? 0;
      const high = dataMax ?? hardMax ?? 1;
      const [min, max] = uPlot.rangeNum(low, high === low && low === 0 ? 1 : high, {
        min: {
          pad: 0.1,
          hard: hardMin ?? Number.NEGATIVE_INFINITY,
          soft: hardMin ?? softMin,
          mode: style.drawStyle === "bars" || style.stacking !== "none" ? 1 : 3,
        },
        max: {
          pad: 0.1,
          hard: hardMax ?? Number.POSITIVE_INFINITY,
          soft: hardMax ?? softMax ?? 0,
          mode: softMax === undefined && hardMax === undefined ? 3 : 1,
        },
      });
      return [hardMin ?? min ?? 0, hardMax ?? max ?? 1];
    },
  };
}

function seriesOptions(series: GraphSeries, index: number, input: ChartInput): uPlot.Series {
  const { style, color } = series;
  const isBars = style.drawStyle === "bars";
  const isPoints = style.drawStyle === "points";
  return {
    label: series.name,
    scale: series.scaleKey,
    show: !input.hidden.has(series.name),
    stroke: color,
    width: isPoints ? 0 : style.lineWidth,
    dash: style.lineDash,
    fill: style.fillOpacity === 0 || isPoints ? undefined : (chart: uPlot) => fillStyle(chart, series, index),
    spanGaps: style.spanNulls === true,
    paths: seriesPaths(series),
    points: {
      show:
        isPoints || style.showPoints === "always" ? true : style.showPoints === "never" || isBars ? false : undefined,
      size: style.pointSize,
      fill: color,
      width: 0,
      // A value without neighbours is drawn even with "never": no line reaches it, and it would not be seen at all.
      filter: isPoints || style.showPoints === "always" || isBars ? undefined : loneOrSparse,
    },
  };
}

/** Points to draw in "auto": all if they stand far apart, else those with no neighbour to be connected to. */
function loneOrSparse(chart: uPlot, seriesIndex: number, show: boolean): number[] | null {
  if (show) return null;
  const values = chart.data[seriesIndex]!;
  const lone: number[] = [];
  const [from, to] = chart.series[0]!.idxs ?? [0, values.length - 1];
  for (let index = from; index <= to; index++) {
    if (values[index] === null || values[index] === undefined) continue;
    const before = nearest(values, index, -1);
    const after = nearest(values, index, 1);
    if (before === null && after === null) lone.push(index);
  }
  return lone.length > 0 ? lone : null;
}

/** The next defined value in a direction, null at a break or the end. */
function nearest(values: ArrayLike<number | null | undefined>, start: number, direction: 1 | -1): number | null {
  for (let index = start + direction; index >= 0 && index < values.length; index += direction) {
    const value = values[index];
    if (value === undefined) continue;
    return value;
  }
  return null;
}

function seriesPaths({ style }: GraphSeries): uPlot.Series.PathBuilder {
  const { linear, spline, stepped, bars, points } = uPlot.paths;
  if (style.drawStyle === "bars") {
    const align = style.barAlignment as -1 | 0 | 1;
    return bars!({ size: [style.barWidthFactor, 200, 1], align });
  }
  if (style.drawStyle === "points") return points!();
  if (style.lineInterpolation === "smooth") return spline!();
  if (style.lineInterpolation === "stepBefore") return stepped!({ align: -1 });
  if (style.lineInterpolation === "stepAfter") return stepped!({ align: 1 });
  return linear!();
}

function fillStyle(chart: uPlot, series: GraphSeries, _index: number): CanvasGradient | string {
  const opacity = series.style.fillOpacity / 100;
  if (series.style.gradientMode === "none" || chart.bbox === undefined || !Number.isFinite(chart.bbox.top))
    return withAlpha(series.color, opacity);
  const { top, height } = chart.bbox;
  const gradient = chart.ctx.createLinearGradient(0, top, 0, top + height);
  gradient.addColorStop(0, withAlpha(series.color, opacity));
  gradient.addColorStop(1, withAlpha(series.color, 0));
  return gradient;
}
