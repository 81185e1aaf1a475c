import { useEffect, useMemo, useRef, useState } from "react";
import { formattedValueToString, getValueFormat } from "../../grafana/data.ts";
import { axisLabels, formatDateTime } from "../../time/format.ts";
import type { PanelProps } from "../types.ts";
import { type HeatData, heatColor, readHeat } from "./heat-data.ts";

const AXIS_HEIGHT_PX = 22;
const LEGEND_HEIGHT_PX = 26;
const CHAR_WIDTH_PX = 6.8;
/** Below this width a gap would turn cells into stripes. */
const NARROW_CELL_PX = 5;

interface HeatOptions {
  scheme: string;
  /** Below 1 lifts weak cells. */
  exponent: number;
  gap: number;
  unit: string;
  showLegend: boolean;
}

/** Counts over time and value as coloured cells. */
export function HeatmapPanel({ frames, panel, width, height, range, timeZone, theme }: PanelProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hover, setHover] = useState<{ row: number; column: number; x: number; y: number } | undefined>();
  const data = useMemo(() => readHeat(frames, panel.options["calculate"] === true), [frames, panel.options]);
  const options = heatOptions(panel.options, panel.fieldConfig.defaults.unit);
  const labels = data.rows.map((row) => rowLabel(row, options.unit));
  const left = Math.max(0, ...labels.map((label) => label.length)) * CHAR_WIDTH_PX + 14;
  const plot = {
    x: left,
    y: 6,
    w: Math.max(10, width - left - 8),
    h: Math.max(10, height - AXIS_HEIGHT_PX - 6 - (options.showLegend ? LEGEND_HEIGHT_PX : 0)),
  };
  const spanMs = range.toMs - range.fromMs || 1;
  const xOf = (ms: number) => ((ms - range.fromMs) / spanMs) * plot.w;
  const columnWidth = (data.stepMs / spanMs) * plot.w;
  const rowHeight = plot.h / Math.max(1, data.rows.length);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the derived numbers follow from these.
  useEffect(() => {
    const target = canvas.current;
    const context = target?.getContext("2d");
    if (target === null || context === null || context === undefined) return;
    const scale = devicePixelRatio;
    target.width = plot.w * scale;
    target.height = plot.h * scale;
    context.scale(scale, scale);
    drawCells(context, data, { ...options, isDark: theme.isDark, xOf, columnWidth, rowHeight, height: plot.h });
  }, [data, width, height, theme, range, panel.options]);

  const every = Math.max(1, Math.ceil(16 / rowHeight));
  const timeStep = niceTimeStep(spanMs / Math.max(2, plot.w / 90));
  const ticks: number[] = [];
  for (let ms = Math.ceil(range.fromMs / timeStep) * timeStep; ms <= range.toMs; ms += timeStep) ticks.push(ms / 1_000);
  const texts = axisLabels(ticks, timeStep / 1_000, timeZone);
  return (
    <div className="heatmap">
      <svg width={width} height={height} aria-hidden="true">
        {labels.map((label, row) =>
          row % every === 0 ? (
            <text
              key={data.rows[row]}
              className="axis-text"
              x={plot.x - 6}
              y={plot.y + plot.h - (row + 0.5) * rowHeight + 4}
              textAnchor="end"
            >
              {label}
            </text>
          ) : null,
        )}
        {ticks.map((tick, index) => (
          <text
            key={tick}
            className="axis-text"
            x={plot.x + xOf(tick * 1_000)}
            y={plot.y + plot.h + 16}
            textAnchor="middle"
          >
            {texts[index]}
          </text>
        ))}
        {options.showLegend && (
          <Scale
            width={Math.min(240, width - 20)}
            x={plot.x}
            y={height - LEGEND_HEIGHT_PX + 6}
            options={options}
            isDark={theme.isDark}
            max={data.max}
          />
        )}
      </svg>
      <canvas
        ref={canvas}
        style={{ left: plot.x, top: plot.y, width: plot.w, height: plot.h }}
        onPointerLeave={() => setHover(undefined)}
        onPointerMove={(event) => {
          const { offsetX, offsetY } = event.nativeEvent;
          const timeMs = range.fromMs + (offsetX / plot.w) * spanMs;
          const column = data.timesMs.findIndex((ms) => timeMs > ms - data.stepMs && timeMs <= ms);
          const row = Math.floor((plot.h - offsetY) / rowHeight);
          setHover(
            column < 0 || row < 0 || row >= data.rows.length ? undefined : { row, column, x: offsetX, y: offsetY },
          );
        }}
      />
      {hover !== undefined && (
        <div
          className="viz-tooltip"
          style={
            hover.x > plot.w / 2
              ? { right: width - plot.x - hover.x + 14, top: hover.y }
              : { left: plot.x + hover.x + 14, top: hover.y }
          }
        >
          <div className="viz-tooltip-time">{formatDateTime(data.timesMs[hover.column]!, timeZone)}</div>
          <div className="viz-tooltip-row">
            <span className="tip-name">
              {hover.row === 0 ? "up to" : `${labels[hover.row - 1]} to`} {labels[hover.row]}
            </span>
            <span className="tip-value">
              {String(Number((data.counts[hover.row]![hover.column] ?? 0).toPrecision(4)))}
            </span>
          </div>
        </div>
      )}
    </div>
  );
}

function heatOptions(options: Record<string, unknown>, unit: string | undefined): HeatOptions {
  const color = (options["color"] ?? {}) as { scheme?: string; exponent?: number };
  return {
    scheme: color.scheme ?? "Oranges",
    exponent: color.exponent ?? 0.5,
    gap: typeof options["cellGap"] === "number" ? options["cellGap"] : 1,
    unit: (options["yAxis"] as { unit?: string } | undefined)?.unit ?? unit ?? "short",
    showLegend: (options["legend"] as { show?: boolean } | undefined)?.show !== false,
  };
}

function rowLabel(row: string, unit: string): string {
  const value = Number(row);
  return row === "+Inf" || Number.isNaN(value) ? row : formattedValueToString(getValueFormat(unit)(value));
}

interface CellGeometry extends HeatOptions {
  isDark: boolean;
  xOf: (ms: number) => number;
  columnWidth: number;
  rowHeight: number;
  height: number;
}

/** A column's cell covers the step that ends at its time, as rates look back. */
function drawCells(context: CanvasRenderingContext2D, data: HeatData, geometry: CellGeometry): void {
  const { scheme, exponent, gap, isDark, xOf, columnWidth, rowHeight, height } = geometry;
  data.counts.forEach((counts, row) => {
    counts.forEach((count, column) => {
      if (count === null || count <= 1e-9) return;
      context.fillStyle = heatColor(scheme, isDark, (count / data.max) ** exponent);
      const x = xOf(data.timesMs[column]! - data.stepMs);
      context.fillRect(
        x,
        height - (row + 1) * rowHeight,
        Math.max(1, columnWidth < NARROW_CELL_PX ? columnWidth + 0.5 : columnWidth - gap),
        Math.max(1, rowHeight - gap),
      );
    });
  });
}

function niceTimeStep(ms: number): number {
  const steps = [1e3, 5e3, 1e4, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 6048e5];
  return steps.find((step) => step >= ms) ?? 2_592_000_000;
}

function Scale({
  width,
  x,
  y,
  options,
  isDark,
  max,
}: {
  width: number;
  x: number;
  y: number;
  options: HeatOptions;
  isDark: boolean;
  max: number;
}) {
  const cells = 48;
  return (
    <g transform={`translate(${x}, ${y})`}>
      {Array.from({ length: cells }, (_, index) => index).map((index) => (
        <rect
          key={index}
          x={(index / cells) * width}
          y={0}
          width={width / cells + 0.5}
          height={8}
          fill={heatColor(options.scheme, isDark, (index / cells) ** options.exponent)}
        />
      ))}
      <text className="axis-text" x={0} y={20}>
        0
      </text>
      <text className="axis-text" x={width} y={20} textAnchor="end">
        {formattedValueToString(getValueFormat("short")(max))}
      </text>
    </g>
  );
}
