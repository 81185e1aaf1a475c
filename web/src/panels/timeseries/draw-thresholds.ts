import type uPlot from "uplot";
import { type GrafanaTheme2, ThresholdsMode } from "../../grafana/data.ts";
import { withAlpha } from "../color.ts";
import type { GraphSeries } from "./prepare.ts";

/** Opacity of a threshold's area. */
const AREA_ALPHA = 0.08;

/** Draws threshold lines and areas below the series, once per scale, as `thresholdsStyle` asks. */
export function drawThresholds(chart: uPlot, series: readonly GraphSeries[], theme: GrafanaTheme2): void {
  const done = new Set<string>();
  for (const one of series) {
    const { thresholds } = one.field.config;
    const mode = one.style.thresholds;
    if (mode === "off" || thresholds === undefined || done.has(one.scaleKey)) continue;
    done.add(one.scaleKey);
    const scale = chart.scales[one.scaleKey];
    if (scale?.min === undefined || scale.min === null || scale.max === undefined || scale.max === null) continue;
    const { min, max } = { min: scale.min, max: scale.max };
    const limits = thresholds.steps.map((step) => ({
      color: theme.visualization.getColorByName(step.color),
      value: thresholds.mode === ThresholdsMode.Percentage ? percentValue(step.value, one, min, max) : step.value,
    }));
    const { ctx, bbox } = chart;
    const position = (value: number) => chart.valToPos(Math.min(max, Math.max(min, value)), one.scaleKey, true);
    ctx.save();
    limits.forEach(({ color, value }, index) => {
      const next = limits[index + 1]?.value ?? Number.POSITIVE_INFINITY;
      if (mode.includes("area") && color !== "transparent" && next > min && value < max) {
        const top = position(next);
        ctx.fillStyle = withAlpha(color, AREA_ALPHA);
        ctx.fillRect(bbox.left, top, bbox.width, position(Math.max(value, min)) - top);
      }
      if ((mode.includes("line") || mode.includes("dashed")) && Number.isFinite(value) && value > min && value < max) {
        ctx.strokeStyle = withAlpha(color, 0.8);
        ctx.lineWidth = devicePixelRatio;
        ctx.setLineDash(mode.includes("dashed") ? [8, 6] : []);
        ctx.beginPath();
        ctx.moveTo(bbox.left, position(value));
        ctx.lineTo(bbox.left + bbox.width, position(value));
        ctx.stroke();
      }
    });
    ctx.restore();
  }
}

function percentValue(percent: number, { field }: GraphSeries, scaleMin: number, scaleMax: number): number {
  if (!Number.isFinite(percent)) return percent;
  const min = field.config.min ?? scaleMin;
  const max = field.config.max ?? scaleMax;
  return min + (percent / 100) * (max - min);
}
