import type { Field } from "../../grafana/data.ts";

/** A field's drawing options, as `fieldConfig.defaults.custom` holds them, with Grafana's defaults filled in. */
export interface GraphStyle {
  drawStyle: "line" | "bars" | "points";
  lineInterpolation: "linear" | "smooth" | "stepBefore" | "stepAfter";
  lineWidth: number;
  fillOpacity: number;
  gradientMode: "none" | "opacity" | "hue" | "scheme";
  showPoints: "auto" | "never" | "always";
  pointSize: number;
  spanNulls: boolean | number;
  barAlignment: number;
  barWidthFactor: number;
  axisPlacement: string;
  axisLabel: string;
  axisWidth: number | undefined;
  axisSoftMin: number | undefined;
  axisSoftMax: number | undefined;
  axisGridShow: boolean | undefined;
  logBase: number | undefined;
  stacking: "none" | "normal" | "percent";
  stackGroup: string;
  lineDash: number[] | undefined;
  thresholds: string;
  negativeY: boolean;
  hiddenInViz: boolean;
  hiddenInLegend: boolean;
  hiddenInTooltip: boolean;
  fillBelowTo: string | undefined;
}

/** Reads a field's style. */
export function graphStyle(field: Field): GraphStyle {
  const custom = (field.config.custom ?? {}) as Record<string, unknown>;
  const part = (name: string) => (custom[name] ?? {}) as Record<string, unknown>;
  const hideFrom = part("hideFrom");
  const stacking = part("stacking");
  const distribution = part("scaleDistribution");
  const lineStyle = part("lineStyle");
  return {
    drawStyle: text(custom["drawStyle"], "line") as GraphStyle["drawStyle"],
    lineInterpolation: text(custom["lineInterpolation"], "linear") as GraphStyle["lineInterpolation"],
    lineWidth: number(custom["lineWidth"]) ?? 1,
    fillOpacity: number(custom["fillOpacity"]) ?? 0,
    gradientMode: text(custom["gradientMode"], "none") as GraphStyle["gradientMode"],
    showPoints: text(custom["showPoints"], "auto") as GraphStyle["showPoints"],
    pointSize: number(custom["pointSize"]) ?? 5,
    spanNulls: typeof custom["spanNulls"] === "number" ? custom["spanNulls"] : custom["spanNulls"] === true,
    barAlignment: number(custom["barAlignment"]) ?? 0,
    barWidthFactor: number(custom["barWidthFactor"]) ?? 0.6,
    axisPlacement: text(custom["axisPlacement"], "auto"),
    axisLabel: text(custom["axisLabel"], ""),
    axisWidth: number(custom["axisWidth"]),
    axisSoftMin: number(custom["axisSoftMin"]),
    axisSoftMax: number(custom["axisSoftMax"]),
    axisGridShow: typeof custom["axisGridShow"] === "boolean" ? custom["axisGridShow"] : undefined,
    logBase: distribution["type"] === "log" ? (number(distribution["log"]) ?? 2) : undefined,
    stacking: text(stacking["mode"], "none") as GraphStyle["stacking"],
    stackGroup: text(stacking["group"], "A"),
    lineDash: dash(lineStyle),
    thresholds: text(part("thresholdsStyle")["mode"], "off"),
    negativeY: custom["transform"] === "negative-Y",
    hiddenInViz: hideFrom["viz"] === true,
    hiddenInLegend: hideFrom["legend"] === true,
    hiddenInTooltip: hideFrom["tooltip"] === true,
    fillBelowTo: typeof custom["fillBelowTo"] === "string" ? custom["fillBelowTo"] : undefined,
  };
}

function dash(lineStyle: Record<string, unknown>): number[] | undefined {
  if (lineStyle["fill"] === undefined || lineStyle["fill"] === "solid") return undefined;
  const given = lineStyle["dash"];
  if (Array.isArray(given) && given.length > 0) return given.map(Number);
  return lineStyle["fill"] === "dot" ? [0, 10] : [10, 10];
}

function text(value: unknown, fallback: string): string {
  return typeof value === "string" && value !== "" ? value : fallback;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
