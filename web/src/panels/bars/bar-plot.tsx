import { formattedValueToString } from "../../grafana/data.ts";
import { keyed } from "../../ui/keyed.ts";
import { type BarData, niceStep } from "./bar-data.ts";

const AXIS_HEIGHT_PX = 22;
const CHAR_WIDTH_PX = 6.8;

export interface BarPlotProps {
  data: BarData;
  hidden: ReadonlySet<string>;
  width: number;
  height: number;
  isHorizontal: boolean;
  stacking: string;
  groupWidth: number;
  barWidth: number;
  showValues: boolean;
}

interface Bar {
  key: string;
  category: string;
  name: string;
  color: string;
  text: string;
  /** Along the value axis. */
  from: number;
  to: number;
  /** Along the category axis, as shares of the whole. */
  start: number;
  thickness: number;
}

/** Grouped or stacked bars with a value axis, drawn as SVG. */
export function BarPlot({
  data,
  hidden,
  width,
  height,
  isHorizontal,
  stacking,
  groupWidth,
  barWidth,
  showValues,
}: BarPlotProps) {
  const bars = layoutBars({ data, hidden, stacking, groupWidth, barWidth });
  const low = Math.min(0, ...bars.map((bar) => bar.to));
  const high = Math.max(0, ...bars.map((bar) => bar.to)) || 1;
  const step = niceStep((high - low) / Math.max(2, Math.floor(isHorizontal ? width / 90 : height / 45)));
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 0.001; tick += step) ticks.push(tick);
  const format = (value: number) => {
    const display = data.series[0]?.field.display;
    return display === undefined ? String(value) : formattedValueToString(display(value));
  };
  const top = Math.max(high, ticks.at(-1) ?? high);
  const longest = isHorizontal
    ? Math.max(0, ...data.categories.map((name) => name.length))
    : Math.max(0, ...ticks.map((tick) => format(tick).length));
  const left = Math.min(width * 0.4, longest * CHAR_WIDTH_PX + 12);
  const valueRoom = showValues && isHorizontal ? 64 : 10;
  const plot = {
    x: left,
    y: showValues && !isHorizontal ? 18 : 6,
    w: width - left - valueRoom,
    h: height - AXIS_HEIGHT_PX - (showValues && !isHorizontal ? 18 : 6),
  };
  const scale = (value: number) => ((value - low) / (top - low || 1)) * (isHorizontal ? plot.w : plot.h);
  const labelEvery = isHorizontal
    ? 1
    : Math.max(
        1,
        Math.ceil(
          (data.categories.length * (Math.max(1, ...data.categories.map((name) => name.length)) * CHAR_WIDTH_PX + 8)) /
            Math.max(1, plot.w),
        ),
      );
  return (
    <svg width={width} height={height} className="bar-plot" aria-hidden="true">
      {ticks.map((tick) =>
        isHorizontal ? (
          <g key={tick}>
            <line
              className="grid-line"
              x1={plot.x + scale(tick)}
              x2={plot.x + scale(tick)}
              y1={plot.y}
              y2={plot.y + plot.h}
            />
            <text className="axis-text" x={plot.x + scale(tick)} y={height - 6} textAnchor="middle">
              {format(tick)}
            </text>
          </g>
        ) : (
          <g key={tick}>
            <line
              className="grid-line"
              x1={plot.x}
              x2={plot.x + plot.w}
              y1={plot.y + plot.h - scale(tick)}
              y2={plot.y + plot.h - scale(tick)}
            />
            <text className="axis-text" x={plot.x - 6} y={plot.y + plot.h - scale(tick) + 4} textAnchor="end">
              {format(tick)}
            </text>
          </g>
        ),
      )}
      {bars.map((bar) => {
        const from = scale(Math.min(bar.from, bar.to));
        const length = Math.max(1, Math.abs(scale(bar.to) - scale(bar.from)));
        const rect = isHorizontal
          ? {
              x: plot.x + from,
              y: plot.y + bar.start * plot.h,
              width: length,
              height: Math.max(1, bar.thickness * plot.h),
            }
          : {
              x: plot.x + bar.start * plot.w,
              y: plot.y + plot.h - from - length,
              width: Math.max(1, bar.thickness * plot.w),
              height: length,
            };
        return (
          <g key={bar.key}>
            <rect {...rect} fill={bar.color} rx={2}>
              <title>{`${bar.category}${bar.name === "" ? "" : ` · ${bar.name}`}: ${bar.text}`}</title>
            </rect>
            {showValues && (
              <text
                className="bar-value"
                x={isHorizontal ? rect.x + rect.width + 5 : rect.x + rect.width / 2}
                y={isHorizontal ? rect.y + rect.height / 2 + 4 : rect.y - 4}
                textAnchor={isHorizontal ? "start" : "middle"}
              >
                {bar.text}
              </text>
            )}
          </g>
        );
      })}
      {keyed(data.categories, (name) => name).map(({ key, item: name, index }) => {
        const middle = (index + 0.5) / data.categories.length;
        if (!isHorizontal && index % labelEvery !== 0) return null;
        return isHorizontal ? (
          <text key={key} className="axis-text" x={plot.x - 6} y={plot.y + middle * plot.h + 4} textAnchor="end">
            {shorten(name, left - 10)}
          </text>
        ) : (
          <text key={key} className="axis-text" x={plot.x + middle * plot.w} y={height - 6} textAnchor="middle">
            {shorten(name, (plot.w / data.categories.length) * labelEvery)}
          </text>
        );
      })}
    </svg>
  );
}

function shorten(text: string, width: number): string {
  const chars = Math.max(3, Math.floor(width / CHAR_WIDTH_PX));
  return text.length > chars ? `${text.slice(0, chars - 1)}…` : text;
}

function layoutBars({
  data,
  hidden,
  stacking,
  groupWidth,
  barWidth,
}: Pick<BarPlotProps, "data" | "hidden" | "stacking" | "groupWidth" | "barWidth">): Bar[] {
  const series = data.byCategory ? data.series : data.series.filter((one) => !hidden.has(one.name));
  const slot = 1 / Math.max(1, data.categories.length);
  const isStacked = stacking === "normal" || stacking === "percent";
  const lanes = isStacked ? 1 : Math.max(1, series.length);
  const lane = (slot * (series.length > 1 ? groupWidth : 1)) / lanes;
  const bars: Bar[] = [];
  data.categories.forEach((category, index) => {
    if (data.byCategory && hidden.has(category)) return;
    const total = series.reduce((sum, one) => sum + Math.abs(one.values[index] ?? 0), 0) || 1;
    let base = 0;
    series.forEach((one, position) => {
      const value = one.values[index];
      if (value === null || value === undefined || !Number.isFinite(value)) return;
      const size = stacking === "percent" ? value / total : value;
      const thickness = lane * barWidth;
      const start =
        index * slot + (slot - lane * lanes) / 2 + (isStacked ? 0 : position) * lane + (lane - thickness) / 2;
      const text = one.field.display === undefined ? String(value) : formattedValueToString(one.field.display(value));
      bars.push({
        key: `${index}-${position}`,
        category,
        name: data.byCategory ? "" : one.name,
        color: one.colors[index] ?? one.color,
        text,
        from: isStacked ? base : 0,
        to: isStacked ? base + size : size,
        start,
        thickness,
      });
      if (isStacked) base += size;
    });
  });
  return bars;
}
