import { useMemo, useState } from "react";
import { keyed } from "../../ui/keyed.ts";
import { Legend, legendOptions, toggleHidden } from "../legend.tsx";
import type { PanelProps } from "../types.ts";
import { panelValues, valueText } from "../values.ts";

interface Slice {
  name: string;
  color: string;
  value: number;
  text: string;
}

/** Parts of a whole, as a pie or a ring. */
export function PiePanel(props: PanelProps) {
  const { frames, panel, width, height, theme, timeZone } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [hovered, setHovered] = useState<string | undefined>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the host changes with every range; frames change with it.
  const slices = useMemo(
    () =>
      panelValues(props).map(
        ({ display }): Slice => ({
          name: display.title ?? "",
          color: display.color ?? "#808080",
          value: Number.isFinite(display.numeric) ? Math.max(0, display.numeric) : 0,
          text: valueText(display),
        }),
      ),
    [frames, panel, theme, timeZone],
  );
  const visible = slices.filter((slice) => !hidden.has(slice.name));
  const total = visible.reduce((sum, slice) => sum + slice.value, 0);
  const legend = legendOptions(panel.options);
  const wanted = ((panel.options["legend"] as { values?: string[] } | undefined)?.values ?? []).filter(
    (one) => one === "value" || one === "percent",
  );
  const isRight = legend.placement === "right";
  const legendWidth = legend.show && isRight ? Math.min(width * 0.55, 320) : 0;
  const legendHeight =
    legend.show && !isRight
      ? Math.min(
          height * 0.35,
          26 * (legend.mode === "table" ? slices.length + 1 : Math.ceil((slices.length * 110) / width)),
        )
      : 0;
  const size = Math.max(40, Math.min(width - legendWidth, height - legendHeight) - 8);
  const labels = Array.isArray(panel.options["displayLabels"]) ? panel.options["displayLabels"].map(String) : [];
  const focus = visible.find((slice) => slice.name === hovered);
  return (
    <div className={`viz-with-legend viz-legend-${legend.placement}`}>
      <div className="pie" style={{ width: width - legendWidth, height: height - legendHeight }}>
        <svg width={size} height={size} viewBox="-100 -100 200 200" role="img" aria-label={panel.title}>
          {total > 0 && (
            <Slices
              slices={visible}
              total={total}
              isDonut={panel.options["pieType"] === "donut"}
              labels={labels}
              hovered={hovered}
              onHover={setHovered}
            />
          )}
          {focus !== undefined && panel.options["pieType"] === "donut" && (
            <>
              <text className="pie-focus" y="-2">
                {focus.text}
              </text>
              <text className="pie-focus-share" y="16">
                {percent(focus.value, total)}
              </text>
            </>
          )}
        </svg>
      </div>
      {legend.show && (
        <div className="viz-legend" style={isRight ? { width: legendWidth, height } : { maxHeight: legendHeight }}>
          <Legend
            items={slices.map((slice) => ({
              name: slice.name,
              color: slice.color,
              values: wanted.map((one) =>
                one === "value" ? slice.text : hidden.has(slice.name) ? "" : percent(slice.value, total),
              ),
            }))}
            valueTitles={wanted.map((one) => (one === "value" ? "Value" : "Percent"))}
            options={{ ...legend, calcs: [] }}
            hidden={hidden}
            onToggle={(name, additive) =>
              setHidden(
                toggleHidden(
                  hidden,
                  slices.map((slice) => slice.name),
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

function percent(value: number, total: number): string {
  return total === 0 ? "0%" : `${((value / total) * 100).toFixed(value / total < 0.1 ? 1 : 0)}%`;
}

interface SlicesProps {
  slices: readonly Slice[];
  total: number;
  isDonut: boolean;
  labels: readonly string[];
  hovered: string | undefined;
  onHover: (name: string | undefined) => void;
}

function Slices({ slices, total, isDonut, labels, hovered, onHover }: SlicesProps) {
  let angle = -Math.PI / 2;
  return keyed(slices, (slice) => slice.name).map(({ key, item: slice }) => {
    const sweep = (slice.value / total) * Math.PI * 2;
    const start = angle;
    angle += sweep;
    const middle = start + sweep / 2;
    const label = [
      labels.includes("name") ? slice.name : "",
      labels.includes("value") ? slice.text : "",
      labels.includes("percent") ? percent(slice.value, total) : "",
    ].filter((text) => text !== "");
    return (
      <g key={key} onPointerEnter={() => onHover(slice.name)} onPointerLeave={() => onHover(undefined)}>
        <path
          className="pie-slice"
          d={slicePath(start, sweep, isDonut ? 58 : 0)}
          fill={slice.color}
          opacity={hovered === undefined || hovered === slice.name ? 1 : 0.5}
        >
          <title>{`${slice.name}: ${slice.text} (${percent(slice.value, total)})`}</title>
        </path>
        {label.length > 0 && sweep > 0.25 && (
          <text
            className="pie-label"
            x={Math.cos(middle) * (isDonut ? 78 : 64)}
            y={Math.sin(middle) * (isDonut ? 78 : 64)}
          >
            {label.join(" ")}
          </text>
        )}
      </g>
    );
  });
}

function slicePath(start: number, sweep: number, inner: number): string {
  const outer = 96;
  // A full circle has no start and end that an arc could join.
  const end = start + Math.min(sweep, Math.PI * 2 - 0.0001);
  const at = (radius: number, angle: number) =>
    `${(radius * Math.cos(angle)).toFixed(3)},${(radius * Math.sin(angle)).toFixed(3)}`;
  const isLarge = sweep > Math.PI ? 1 : 0;
  if (inner === 0) return `M0,0 L${at(outer, start)} A${outer},${outer} 0 ${isLarge} 1 ${at(outer, end)} Z`;
  return `M${at(outer, start)} A${outer},${outer} 0 ${isLarge} 1 ${at(outer, end)} L${at(inner, end)} A${inner},${inner} 0 ${isLarge} 0 ${at(inner, start)} Z`;
}
