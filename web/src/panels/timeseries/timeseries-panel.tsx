import { useMemo, useRef, useState } from "react";
import type uPlot from "uplot";
import { Legend, legendOptions, toggleHidden } from "../legend.tsx";
import type { PanelProps } from "../types.ts";
import { Chart } from "./chart.tsx";
import { chartOptions } from "./chart-options.ts";
import { ExemplarMarks } from "./exemplar-marks.tsx";
import { type GraphData, prepareGraph } from "./prepare.ts";
import { GraphTooltip, type TooltipState } from "./tooltip.tsx";

/** Smallest height of a chart in pixels; a legend never takes more than what is left. */
const CHART_HEIGHT_MIN = 60;
const LEGEND_LINE_PX = 24;

/** Lines, bars and points over time. */
export function TimeSeriesPanel(props: PanelProps) {
  const { frames, panel, width, height, range, timeZone, theme, host } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [tooltip, setTooltip] = useState<TooltipState | undefined>();
  const chartRef = useRef<uPlot | null>(null);
  const data = useMemo(() => prepareGraph(frames, theme), [frames, theme]);
  const legend = legendOptions(panel.options);
  const items = useMemo(
    () =>
      data.series
        .filter((series) => !series.style.hiddenInLegend)
        .map(({ name, color, field }) => ({ name, color, field })),
    [data],
  );
  const showLegend = legend.show && items.length > 0;
  const legendWidth =
    showLegend && legend.placement === "right"
      ? Math.min(legend.width ?? legendWidthPx(items, legend.calcs.length), width * 0.5)
      : 0;
  const legendHeight =
    showLegend && legend.placement === "bottom" ? legendHeightPx(legend.mode, items, width, height) : 0;
  const chartWidth = Math.max(80, width - legendWidth);
  const chartHeight = Math.max(CHART_HEIGHT_MIN, height - legendHeight);

  // The chart is rebuilt only when what it shows changes its kind; values and range are set on the living one.
  const latest = useRef({ range, host });
  latest.current = { range, host };
  const structure = structureKey(data);
  const dataRef = useRef(data);
  dataRef.current = data;
  const canZoom = host.setTimeRange !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `structure` stands for the parts of `data` that options depend on.
  const options = useMemo(
    () =>
      chartOptions({
        data: dataRef.current,
        width: 100,
        height: 100,
        range: proxyRange(() => latest.current.range),
        timeZone,
        theme,
        hidden,
        cursorKey: host.cursorKey,
        onZoom: canZoom ? (fromMs, toMs) => latest.current.host.setTimeRange?.(fromMs, toMs) : undefined,
        hooks: {
          setCursor: [
            (chart: uPlot) => {
              const { idx, left = -1, top = -1 } = chart.cursor;
              const isHere = left >= 0 && top >= 0 && chart.over.matches(":hover");
              setTooltip(
                isHere && idx !== null && idx !== undefined
                  ? { index: idx, series: nearestSeries(chart, idx, top), left, top }
                  : undefined,
              );
            },
          ],
        } as unknown as uPlot.Hooks.Arrays,
      }),
    [structure, timeZone, theme, hidden, host.cursorKey, canZoom],
  );
  const drawn = useMemo(
    () => [data.xSeconds, ...data.series.map((series) => series.drawn)] as uPlot.AlignedData,
    [data],
  );
  const tooltipOptions = (panel.options["tooltip"] ?? {}) as { mode?: string; sort?: string };
  const plot = chartRef.current;
  return (
    <div className={`viz-with-legend viz-legend-${legend.placement}`}>
      <div className="viz-chart" style={{ width: chartWidth, height: chartHeight }}>
        <Chart options={options} data={drawn} width={chartWidth} height={chartHeight} chartRef={chartRef} />
        {data.exemplars.length > 0 && (
          <ExemplarMarks
            exemplars={data.exemplars}
            series={data.series}
            chart={chartRef}
            range={range}
            host={host}
            size={`${chartWidth}x${chartHeight}`}
          />
        )}
        {tooltip !== undefined && plot !== null && (
          <div
            className="viz-tooltip-area"
            style={{
              left: plot.bbox.left / devicePixelRatio,
              top: plot.bbox.top / devicePixelRatio,
              width: plot.bbox.width / devicePixelRatio,
            }}
          >
            <GraphTooltip
              state={tooltip}
              data={data}
              mode={tooltipOptions.mode ?? "single"}
              sort={tooltipOptions.sort ?? "none"}
              hidden={hidden}
              timeZone={timeZone}
              plotWidth={plot.bbox.width / devicePixelRatio}
            />
          </div>
        )}
      </div>
      {showLegend && (
        <div
          className="viz-legend"
          style={legend.placement === "right" ? { width: legendWidth, height } : { maxHeight: legendHeight }}
        >
          <Legend
            items={items}
            options={legend}
            hidden={hidden}
            onToggle={(name, additive) =>
              setHidden(
                toggleHidden(
                  hidden,
                  items.map((item) => item.name),
                  name,
                  additive,
                ),
              )
            }
          />
        </div>
      )}
    </div>
  );
}

/** A range object whose ends are read when the chart asks, not when its options were made. */
function proxyRange(read: () => PanelProps["range"]): PanelProps["range"] {
  return {
    get fromMs() {
      return read().fromMs;
    },
    get toMs() {
      return read().toMs;
    },
    get raw() {
      return read().raw;
    },
  };
}

/** Everything of the data that decides the chart's options: names, colours, styles, scales, stacks. */
function structureKey(data: GraphData): string {
  return data.series
    .map(({ name, color, style, scaleKey, stackedOn, field }) =>
      JSON.stringify([name, color, style, scaleKey, stackedOn, field.config.thresholds, field.config.decimals]),
    )
    .join("\n");
}

function nearestSeries(chart: uPlot, index: number, top: number): number | null {
  let best: number | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let series = 1; series < chart.series.length; series++) {
    const value = chart.data[series]![index];
    if (value === null || value === undefined || chart.series[series]!.show === false) continue;
    const distance = Math.abs(chart.valToPos(value, chart.series[series]!.scale!) - top);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = series - 1;
    }
  }
  return best;
}

/** Room for names and one column per calculation. */
function legendWidthPx(items: readonly { name: string }[], calcCount: number): number {
  const longest = Math.max(...items.map((item) => item.name.length), 8);
  return Math.min(300, longest * 6.8 + 44) + calcCount * 84;
}

function legendHeightPx(
  mode: "list" | "table",
  items: readonly { name: string }[],
  width: number,
  height: number,
): number {
  const mostPx = Math.max(LEGEND_LINE_PX, height * 0.35);
  if (mode === "table") return Math.min(mostPx, (items.length + 1) * LEGEND_LINE_PX + 4);
  // A rough count of lines from the length of names; the box scrolls if it is wrong.
  const chars = items.reduce((sum, item) => sum + Math.min(item.name.length, 60) + 6, 0);
  const lines = Math.max(1, Math.ceil((chars * 6.6) / Math.max(80, width)));
  return Math.min(mostPx, lines * LEGEND_LINE_PX + 2);
}
