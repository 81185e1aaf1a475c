import { useMemo } from "react";
import { type FieldDisplay, type GrafanaTheme2, getActiveThreshold, ThresholdsMode } from "../../grafana/data.ts";
import { keyed } from "../../ui/keyed.ts";
import { withAlpha } from "../color.ts";
import type { PanelProps } from "../types.ts";
import { panelValues, valueLink, valueText } from "../values.ts";

/** Cells of the retro LCD mode along a bar. */
const LCD_CELL_PX = 10;

/** Bars of single values, lying or standing. */
export function BarGaugePanel(props: PanelProps) {
  const { frames, panel, width, height, theme, timeZone } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the host changes with every range; frames change with it.
  const values = useMemo(() => panelValues(props), [frames, panel, theme, timeZone]);
  const orientation = String(panel.options["orientation"] ?? "auto");
  const isVertical =
    orientation === "vertical" ||
    (orientation === "auto" && width > height && values.length > 1 && width / values.length > 60);
  const mode = String(panel.options["displayMode"] ?? "gradient");
  const showUnfilled = panel.options["showUnfilled"] !== false;
  const valueMode = String(panel.options["valueMode"] ?? "color");
  const namesWidth = Math.min(
    width * 0.42,
    Math.max(0, ...values.map((value) => (value.display.title ?? "").length)) * 7 + 12,
  );
  return (
    <div className={`bar-gauge ${isVertical ? "bar-gauge-vertical" : ""}`}>
      {keyed(values, (value) => value.display.title ?? "").map(({ key, item }) => {
        const share = barShare(item);
        const color = item.display.color ?? theme.colors.text.primary;
        const link = valueLink(item);
        const name = link === undefined ? item.display.title : <a href={link.href}>{item.display.title}</a>;
        const fill = barStyle({ value: item, share, color, mode, theme, isVertical });
        return (
          <div className="bar-gauge-item" key={key} title={`${item.display.title ?? ""}: ${valueText(item.display)}`}>
            {(values.length > 1 || isVertical) && (
              <div className="bar-gauge-name" style={isVertical ? {} : { width: namesWidth }}>
                {name}
              </div>
            )}
            <div className={`bar-gauge-track ${showUnfilled ? "" : "bare"}`}>
              <div className="bar-gauge-bar" style={fill} />
            </div>
            {valueMode !== "hidden" && (
              <div className="bar-gauge-value" style={valueMode === "color" ? { color } : {}}>
                {valueText(item.display)}
              </div>
            )}
          </div>
        );
      })}
    </div>
  );
}

function barShare({ display, field }: FieldDisplay): number {
  const min = field.min ?? 0;
  const max = field.max ?? 100;
  if (display.numeric === null || Number.isNaN(display.numeric)) return 0;
  const low =
    Math.min(min, 0) === 0 && (field.min === undefined || field.min === null || field.min > 0) && min > 0 ? 0 : min;
  return Math.min(1, Math.max(0.004, (display.numeric - low) / (max - low || 1)));
}

interface BarStyleInput {
  value: FieldDisplay;
  share: number;
  color: string;
  mode: string;
  theme: GrafanaTheme2;
  isVertical: boolean;
}

function barStyle({ value, share, color, mode, theme, isVertical }: BarStyleInput): Record<string, string> {
  const length = `${(share * 100).toFixed(2)}%`;
  const size: Record<string, string> = isVertical ? { height: length } : { width: length };
  if (mode === "gradient") return { ...size, background: gradient(value, color, theme, isVertical, share) };
  if (mode === "lcd") {
    const direction = isVertical ? "0deg" : "90deg";
    return {
      ...size,
      background: `repeating-linear-gradient(${direction}, ${color} 0 ${LCD_CELL_PX - 3}px, transparent ${LCD_CELL_PX - 3}px ${LCD_CELL_PX}px)`,
    };
  }
  return {
    ...size,
    background: withAlpha(color, 0.35),
    [isVertical ? "borderTop" : "borderRight"]: `2px solid ${color}`,
  };
}

/** The colours of the thresholds passed so far, each starting at its place on the bar. */
function gradient(
  { display, field }: FieldDisplay,
  color: string,
  theme: GrafanaTheme2,
  isVertical: boolean,
  share: number,
): string {
  const direction = isVertical ? "0deg" : "90deg";
  const { thresholds } = field;
  if (thresholds === undefined || field.color?.mode !== "thresholds" || thresholds.steps.length < 2) {
    return `linear-gradient(${direction}, ${withAlpha(color, 0.45)}, ${color})`;
  }
  const min = field.min ?? 0;
  const max = field.max ?? 100;
  const active = getActiveThreshold(display.numeric, thresholds.steps);
  const stops: string[] = [];
  for (const step of thresholds.steps) {
    const at = !Number.isFinite(step.value)
      ? 0
      : thresholds.mode === ThresholdsMode.Percentage
        ? step.value / 100
        : (step.value - min) / (max - min || 1);
    stops.push(
      `${theme.visualization.getColorByName(step.color)} ${Math.max(0, Math.min(100, (at / share) * 100)).toFixed(1)}%`,
    );
    if (step === active) break;
  }
  if (stops.length === 1) stops.push(stops[0]!.replace(/ [\d.]+%$/, " 100%"));
  return `linear-gradient(${direction}, ${stops.join(", ")})`;
}
