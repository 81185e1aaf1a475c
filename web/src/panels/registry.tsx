import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import { StatPanel } from "./stat/stat-panel.tsx";
import { TimeSeriesPanel } from "./timeseries/timeseries-panel.tsx";
import type { PanelProps } from "./types.ts";

type Drawing = ComponentType<PanelProps> | LazyExoticComponent<ComponentType<PanelProps>>;

/** What a panel needs to count as having data. */
type Content = "rows" | "numbers" | "own";

interface PanelType {
  draw: Drawing;
  /** "rows": any row; "numbers": any number that is not null; "own": draws without queries. */
  content: Content;
}

const TablePanel = lazy(() => import("./table/table-panel.tsx").then((module) => ({ default: module.TablePanel })));
const TextPanel = lazy(() => import("./text/text-panel.tsx").then((module) => ({ default: module.TextPanel })));
const LogsPanel = lazy(() => import("./logs/logs-panel.tsx").then((module) => ({ default: module.LogsPanel })));
const TracesPanel = lazy(() => import("./traces/traces-panel.tsx").then((module) => ({ default: module.TracesPanel })));
const NodeGraphPanel = lazy(() =>
  import("./nodegraph/node-graph-panel.tsx").then((module) => ({ default: module.NodeGraphPanel })),
);
const GaugePanel = lazy(() => import("./gauge/gauge-panel.tsx").then((module) => ({ default: module.GaugePanel })));
const BarGaugePanel = lazy(() =>
  import("./bargauge/bar-gauge-panel.tsx").then((module) => ({ default: module.BarGaugePanel })),
);
const PiePanel = lazy(() => import("./pie/pie-panel.tsx").then((module) => ({ default: module.PiePanel })));
const BarChartPanel = lazy(() =>
  import("./bars/bar-chart-panel.tsx").then((module) => ({ default: module.BarChartPanel })),
);
const HistogramPanel = lazy(() =>
  import("./bars/histogram-panel.tsx").then((module) => ({ default: module.HistogramPanel })),
);
const HeatmapPanel = lazy(() =>
  import("./heatmap/heatmap-panel.tsx").then((module) => ({ default: module.HeatmapPanel })),
);
const StateTimelinePanel = lazy(() =>
  import("./state/state-timeline-panel.tsx").then((module) => ({ default: module.StateTimelinePanel })),
);

const TYPES: Record<string, PanelType> = {
  timeseries: { draw: TimeSeriesPanel, content: "numbers" },
  trend: { draw: TimeSeriesPanel, content: "numbers" },
  stat: { draw: StatPanel, content: "rows" },
  gauge: { draw: GaugePanel, content: "rows" },
  bargauge: { draw: BarGaugePanel, content: "rows" },
  table: { draw: TablePanel, content: "rows" },
  text: { draw: TextPanel, content: "own" },
  logs: { draw: LogsPanel, content: "rows" },
  traces: { draw: TracesPanel, content: "rows" },
  nodeGraph: { draw: NodeGraphPanel, content: "rows" },
  piechart: { draw: PiePanel, content: "numbers" },
  barchart: { draw: BarChartPanel, content: "numbers" },
  histogram: { draw: HistogramPanel, content: "numbers" },
  heatmap: { draw: HeatmapPanel, content: "numbers" },
  "state-timeline": { draw: StateTimelinePanel, content: "rows" },
  "status-history": { draw: StateTimelinePanel, content: "rows" },
};

/** A type we do not draw shows its data as a table, which beats an empty box. */
const FALLBACK: PanelType = { draw: TablePanel, content: "rows" };

/** How panels of a type are drawn. */
export function panelType(type: string): PanelType {
  return TYPES[type] ?? FALLBACK;
}
