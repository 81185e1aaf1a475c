import { useMemo } from "react";
import { type FieldDisplay, type GrafanaTheme2, ThresholdsMode } from "../../grafana/data.ts";
import { keyed } from "../../ui/keyed.ts";
import type { PanelProps } from "../types.ts";
import { fitFontPx, gridColumns, panelValues, valueText } from "../values.ts";

/** The arc runs from lower left to lower right. */
const START_DEGREES = 225;
const SWEEP_DEGREES = 270;

/** Round gauges with the thresholds as an outer ring. */
export function GaugePanel(props: PanelProps) {
  const { frames, panel, width, height, theme, timeZone } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the host changes with every range; frames change with it.
  const values = useMemo(() => panelValues(props), [frames, panel, theme, timeZone]);
  const columns = gridColumns(values.length, width, height, 1.2);
  const rows = Math.ceil(values.length / columns);
  return (
    <div className="stat-grid" style={{ gridTemplateColumns: `repeat(${columns}, 1fr)` }}>
      {keyed(values, (value) => value.display.title ?? "").map(({ key, item }) => (
        <Gauge
          key={key}
          value={item}
          width={width / columns}
          height={height / rows}
          showName={values.length > 1}
          showRing={panel.options["showThresholdMarkers"] !== false}
          showLabels={panel.options["showThresholdLabels"] === true}
          theme={theme}
        />
      ))}
    </div>
  );
}

interface GaugeProps {
  value: FieldDisplay;
  width: number;
  height: number;
  showName: boolean;
  showRing: boolean;
  showLabels: boolean;
  theme: GrafanaTheme2;
}

function Gauge({ value, width, height, showName, showRing, showLabels, theme }: GaugeProps) {
  const { display, field } = value;
  const min = field.min ?? 0;
  const max = field.max ?? 100;
  const nameHeight = showName ? 22 : 0;
  const size = Math.max(40, Math.min(width - 12, (height - nameHeight) * 1.15));
  const outer = size / 2 - 2;
  const ring = showRing ? Math.max(3, size * 0.03) : 0;
  const band = Math.max(8, size * 0.12);
  const radius = outer - ring - 3 - band / 2;
  const centre = size / 2;
  const share =
    display.numeric === null || Number.isNaN(display.numeric) ? 0 : clamp((display.numeric - min) / (max - min || 1));
  const text = valueText(display);
  const color = display.color ?? theme.colors.text.primary;
  const steps = thresholdShares(value, min, max);
  return (
    <div className="gauge">
      <svg
        width={size}
        height={size * 0.87}
        viewBox={`0 0 ${size} ${size * 0.87}`}
        role="img"
        aria-label={`${display.title ?? ""} ${text}`}
      >
        <path d={arc(centre, radius, 0, 1)} className="gauge-track" strokeWidth={band} />
        {share > 0 && <path d={arc(centre, radius, 0, share)} fill="none" stroke={color} strokeWidth={band} />}
        {showRing &&
          steps.map((step, index) => {
            const end = steps[index + 1]?.share ?? 1;
            return end <= step.share ? null : (
              <path
                key={`${step.share}-${step.color}`}
                d={arc(centre, outer - ring / 2, step.share, end)}
                fill="none"
                stroke={theme.visualization.getColorByName(step.color)}
                strokeWidth={ring}
              />
            );
          })}
        {showLabels &&
          steps.slice(1).map((step) => {
            const [x, y] = point(centre, outer + 1, step.share);
            return (
              <text
                key={`${step.share}`}
                x={x}
                y={y}
                className="gauge-label"
                textAnchor={step.share > 0.5 ? "start" : "end"}
              >
                {step.text}
              </text>
            );
          })}
        <text
          x={centre}
          y={centre + 4}
          className="gauge-value"
          fill={color}
          fontSize={fitFontPx(text, radius * 1.5, radius, size * 0.2)}
        >
          {text}
        </text>
      </svg>
      {showName && <div className="gauge-name">{display.title}</div>}
    </div>
  );
}

function thresholdShares(
  { field }: FieldDisplay,
  min: number,
  max: number,
): { share: number; color: string; text: string }[] {
  const { thresholds } = field;
  if (thresholds === undefined) return [];
  return thresholds.steps.map((step) => {
    if (!Number.isFinite(step.value)) return { share: 0, color: step.color, text: "" };
    const share =
      thresholds.mode === ThresholdsMode.Percentage ? step.value / 100 : (step.value - min) / (max - min || 1);
    return { share: clamp(share), color: step.color, text: String(step.value) };
  });
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

function point(centre: number, radius: number, share: number): [number, number] {
  const radians = ((START_DEGREES - share * SWEEP_DEGREES) * Math.PI) / 180;
  return [centre + radius * Math.cos(radians), centre - radius * Math.sin(radians)];
}

function arc(centre: number, radius: number, from: number, to: number): string {
  const [startX, startY] = point(centre, radius, from);
  const [endX, endY] = point(centre, radius, to);
  const isLarge = (to - from) * SWEEP_DEGREES > 180 ? 1 : 0;
  return `M${startX.toFixed(2)},${startY.toFixed(2)} A${radius},${radius} 0 ${isLarge} 1 ${endX.toFixed(2)},${endY.toFixed(2)}`;
}
