import { useMemo, useState } from "react";
import { Legend, type LegendItem, legendOptions, toggleHidden } from "../legend.tsx";
import type { PanelProps } from "../types.ts";
import { readBars } from "./bar-data.ts";
import { BarPlot } from "./bar-plot.tsx";

/** Categories as bars. */
export function BarChartPanel({ frames, panel, width, height, theme, timeZone }: PanelProps) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const data = useMemo(
    () => readBars(frames, panel.options, theme, timeZone),
    [frames, panel.options, theme, timeZone],
  );
  const { options } = panel;
  const legend = legendOptions(options);
  const items: LegendItem[] = data.byCategory
    ? data.categories.map((name, index) => ({ name, color: data.series[0]?.colors[index] ?? "#808080" }))
    : data.series.map(({ name, color, field }) => ({ name, color, field }));
  const isHorizontal =
    options["orientation"] === "horizontal" ||
    (options["orientation"] !== "vertical" && data.categories.length > 0 && width < height);
  // Lying bars carry their names already; a second list of them would only take room.
  const showLegend = legend.show && items.length > 1 && !(data.byCategory && isHorizontal);
  const isRight = legend.placement === "right";
  const legendWidth = showLegend && isRight ? Math.min(legend.width ?? width * 0.35, width * 0.5) : 0;
  const legendHeight =
    showLegend && !isRight ? Math.min(height * 0.3, 24 * Math.max(1, Math.ceil((items.length * 120) / width))) : 0;
  const showValue = String(options["showValue"] ?? "auto");
  const plotWidth = width - legendWidth;
  const roomPerBar =
    (isHorizontal ? height - legendHeight : plotWidth) /
    Math.max(1, data.categories.length * (data.byCategory ? 1 : data.series.length));
  return (
    <div className={`viz-with-legend viz-legend-${legend.placement}`}>
      <BarPlot
        data={data}
        hidden={hidden}
        width={plotWidth}
        height={height - legendHeight}
        isHorizontal={isHorizontal}
        stacking={String(options["stacking"] ?? "none")}
        groupWidth={Number(options["groupWidth"] ?? 0.7)}
        barWidth={Number(options["barWidth"] ?? 0.97)}
        showValues={showValue === "always" || (showValue === "auto" && roomPerBar > (isHorizontal ? 16 : 44))}
      />
      {showLegend && (
        <div className="viz-legend" style={isRight ? { width: legendWidth, height } : { maxHeight: legendHeight }}>
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
