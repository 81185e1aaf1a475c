import { useMemo } from "react";
import type { FieldDisplay, GrafanaTheme2 } from "../../grafana/data.ts";
import { keyed } from "../../ui/keyed.ts";
import type { PanelProps } from "../types.ts";
import { fitFontPx, gridColumns, panelValues, valueLink, valueText } from "../values.ts";
import { Sparkline } from "./sparkline.tsx";

/** Boxes lower than this show no sparkline: the number needs the room. */
const GRAPH_HEIGHT_MIN_PX = 62;

interface StatOptions {
  colorMode: string;
  graphMode: string;
  justifyMode: string;
  textMode: string;
  orientation: string;
  titlePx: number | undefined;
  valuePx: number | undefined;
  showPercentChange: boolean;
}

/** Large single values, one box per series, with an optional sparkline. */
export function StatPanel(props: PanelProps) {
  const { frames, panel, width, height, theme, timeZone } = props;
  const options = statOptions(panel.options);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the host changes with every range; frames change with it.
  const values = useMemo(() => panelValues(props, options.graphMode !== "none"), [frames, panel, theme, timeZone]);
  const columns = columnCount(options.orientation, values.length, width, height);
  const rows = Math.ceil(values.length / columns);
  const gap = 4;
  const boxWidth = (width - gap * (columns - 1)) / columns;
  const boxHeight = (height - gap * (rows - 1)) / rows;
  return (
    <div className="stat-grid" style={{ gridTemplateColumns: `repeat(${columns}, 1fr)`, gridAutoRows: boxHeight, gap }}>
      {keyed(values, (value) => value.display.title ?? "").map(({ key, item: value }) => (
        <StatBox
          key={key}
          value={value}
          options={options}
          width={boxWidth}
          height={boxHeight}
          isOnly={values.length === 1}
          theme={theme}
        />
      ))}
    </div>
  );
}

function statOptions(options: Record<string, unknown>): StatOptions {
  const text = (options["text"] ?? {}) as { titleSize?: number; valueSize?: number };
  return {
    colorMode: String(options["colorMode"] ?? "value"),
    graphMode: String(options["graphMode"] ?? "area"),
    justifyMode: String(options["justifyMode"] ?? "auto"),
    textMode: String(options["textMode"] ?? "auto"),
    orientation: String(options["orientation"] ?? "auto"),
    titlePx: text.titleSize,
    valuePx: text.valueSize,
    showPercentChange: options["showPercentChange"] === true,
  };
}

function columnCount(orientation: string, count: number, width: number, height: number): number {
  if (count <= 1) return 1;
  if (orientation === "vertical") return count;
  if (orientation === "horizontal") return 1;
  return gridColumns(count, width, height, 2.4);
}

interface StatBoxProps {
  value: FieldDisplay;
  options: StatOptions;
  width: number;
  height: number;
  isOnly: boolean;
  theme: GrafanaTheme2;
}

function StatBox({ value, options, width, height, isOnly, theme }: StatBoxProps) {
  const { display } = value;
  const text = valueText(display);
  const showName =
    options.textMode === "value_and_name" || options.textMode === "name" || (options.textMode === "auto" && !isOnly);
  const showValue = options.textMode !== "name" && options.textMode !== "none";
  const name = display.title ?? "";
  const hasGraph =
    height >= GRAPH_HEIGHT_MIN_PX &&
    options.graphMode !== "none" &&
    value.sparkline !== undefined &&
    value.sparkline.y.values.length > 1;
  const isBackground = options.colorMode.startsWith("background");
  const color = display.color ?? theme.colors.text.primary;
  const textHeight = hasGraph ? height * (showName && showValue ? 0.66 : 0.56) : height - 8;
  const isWide = showName && showValue && width > height * 2.8;
  const inner = width - 24;
  const titlePx =
    options.titlePx ?? (showName ? fitFontPx(name, isWide ? inner * 0.55 : inner, textHeight * 0.26, 26, 10) : 0);
  // Line heights of the style sheet: 1.25 for the name, 1.15 for the value.
  const valueRoom = (isWide ? textHeight * 0.85 : textHeight - titlePx * 1.25) / 1.15 - 4;
  const valuePx = options.valuePx ?? fitFontPx(text, isWide ? inner * 0.45 : inner, valueRoom, 60, 12);
  const ink = isBackground ? inkOn(color) : options.colorMode === "none" ? theme.colors.text.primary : color;
  const link = valueLink(value);
  const isCentered = options.justifyMode === "center" || (options.justifyMode === "auto" && isOnly && !showName);
  const body = (
    <div
      className={`stat-text ${isWide ? "stat-wide" : ""} ${isCentered ? "stat-centered" : ""}`}
      style={{ height: hasGraph ? `${textHeight}px` : "100%" }}
    >
      {showName && (
        <div className="stat-name" style={{ fontSize: titlePx, color: isBackground ? ink : theme.colors.text.primary }}>
          {name}
        </div>
      )}
      {showValue && (
        <div className="stat-value" style={{ fontSize: valuePx, color: ink }}>
          {text}
          {options.showPercentChange &&
            display.percentChange !== undefined &&
            Number.isFinite(display.percentChange) && (
              <span className="stat-change">
                {display.percentChange >= 0 ? "▲" : "▼"} {Math.abs(display.percentChange * 100).toFixed(1)}%
              </span>
            )}
        </div>
      )}
    </div>
  );
  return (
    <div
      className="stat-box"
      style={isBackground ? { background: backgroundOf(color, options.colorMode) } : {}}
      title={showName ? undefined : name}
    >
      {link === undefined ? (
        body
      ) : (
        <a href={link.href} target={link.target}>
          {body}
        </a>
      )}
      {hasGraph && (
        <Sparkline
          sparkline={value.sparkline!}
          width={width}
          height={height - textHeight}
          color={isBackground ? ink : color}
        />
      )}
    </div>
  );
}

function backgroundOf(color: string, mode: string): string {
  return mode === "background_solid"
    ? color
    : `linear-gradient(120deg, color-mix(in oklab, ${color} 88%, black), ${color})`;
}

/** Grafana's rule for text on a coloured ground: dark only on bright colours. */
function inkOn(color: string): string {
  const value = /^#[0-9a-f]{6}/i.test(color) ? Number.parseInt(color.slice(1, 7), 16) : 0x808080;
  const brightness = ((value >> 16) * 299 + ((value >> 8) & 255) * 587 + (value & 255) * 114) / 1_000;
  return brightness > 180 ? "#202226" : "#f7f8fa";
}
