import { type ComponentType, useEffect, useState } from "react";
import { StatPanel } from "./stat/stat-panel.tsx";
import { TimeSeriesPanel } from "./timeseries/timeseries-panel.tsx";
import type { PanelProps } from "./types.ts";

type Drawing = ComponentType<PanelProps>;

/** "rows": any row; "values": any value but null; "numbers": any number; "own": draws without queries. */
export type PanelContent = "rows" | "values" | "numbers" | "own";

interface PanelType {
  /** The drawing component, or how to fetch it. */
  draw: Drawing | (() => Promise<Drawing>);
  isLazy: boolean;
  /** What counts as data. */
  content: PanelContent;
}

function eager(draw: Drawing, content: PanelType["content"]): PanelType {
  return { draw, isLazy: false, content };
}

function lazy(draw: () => Promise<Drawing>, content: PanelType["content"]): PanelType {
  return { draw, isLazy: true, content };
}

const table = lazy(() => import("./table/table-panel.tsx").then((module) => module.TablePanel), "rows");
const states = lazy(
  () => import("./state/state-timeline-panel.tsx").then((module) => module.StateTimelinePanel),
  "rows",
);

const TYPES: Record<string, PanelType> = {
  timeseries: eager(TimeSeriesPanel, "numbers"),
  trend: eager(TimeSeriesPanel, "numbers"),
  stat: eager(StatPanel, "values"),
  gauge: lazy(() => import("./gauge/gauge-panel.tsx").then((module) => module.GaugePanel), "values"),
  bargauge: lazy(() => import("./bargauge/bar-gauge-panel.tsx").then((module) => module.BarGaugePanel), "values"),
  table,
  text: lazy(() => import("./text/text-panel.tsx").then((module) => module.TextPanel), "own"),
  logs: lazy(() => import("./logs/logs-panel.tsx").then((module) => module.LogsPanel), "rows"),
  traces: lazy(() => import("./traces/traces-panel.tsx").then((module) => module.TracesPanel), "rows"),
  nodeGraph: lazy(() => import("./nodegraph/node-graph-panel.tsx").then((module) => module.NodeGraphPanel), "rows"),
  piechart: lazy(() => import("./pie/pie-panel.tsx").then((module) => module.PiePanel), "numbers"),
  barchart: lazy(() => import("./bars/bar-chart-panel.tsx").then((module) => module.BarChartPanel), "numbers"),
  histogram: lazy(() => import("./bars/histogram-panel.tsx").then((module) => module.HistogramPanel), "numbers"),
  heatmap: lazy(() => import("./heatmap/heatmap-panel.tsx").then((module) => module.HeatmapPanel), "numbers"),
  "state-timeline": states,
  "status-history": states,
};

/** How panels of a type are drawn. A type that we do not draw shows its data as a table, which beats an empty box. */
export function panelType(type: string): PanelType {
  return TYPES[type] ?? table;
}

const loaded = new Map<PanelType, Drawing>();
const loading = new Map<PanelType, Promise<Drawing>>();

function load(type: PanelType): Promise<Drawing> {
  let promise = loading.get(type);
  if (promise === undefined) {
    promise = (type.draw as () => Promise<Drawing>)().then((draw) => {
      loaded.set(type, draw);
      return draw;
    });
    // A failed download may succeed at the next try.
    promise.catch(() => loading.delete(type));
    loading.set(type, promise);
  }
  return promise;
}

/** Starts to fetch the code of these panel types, so that it does not queue behind the panels' queries. */
export function preloadPanelTypes(types: Iterable<string>): void {
  for (const type of new Set([...types].map(panelType))) {
    // Whoever draws the panel reports a failure.
    if (type.isLazy) load(type).catch(() => undefined);
  }
}

/** The drawing component of a type; undefined while its code is on the way. */
export function useDrawing(type: PanelType): { draw: Drawing | undefined; error: string | undefined } {
  const ready = type.isLazy ? loaded.get(type) : (type.draw as Drawing);
  const [state, setState] = useState<{ draw?: Drawing; error?: string }>({});
  useEffect(() => {
    if (!type.isLazy || loaded.has(type)) return;
    let isCurrent = true;
    load(type).then(
      (draw) => isCurrent && setState({ draw }),
      () => isCurrent && setState({ error: "This panel's code could not be loaded. Reload the page." }),
    );
    return () => {
      isCurrent = false;
    };
  }, [type]);
  return { draw: ready ?? state.draw, error: ready === undefined ? state.error : undefined };
}
