import { formattedValueToString } from "../../grafana/data.ts";
import { formatDateTime } from "../../time/format.ts";
import type { GraphData } from "./prepare.ts";

/** Rows a tooltip shows before it says how many more there are. */
const ROWS_MAX = 24;

export interface TooltipState {
  /** Index on the x axis. */
  index: number;
  /** The series nearest to the pointer, if any. */
  series: number | null;
  /** Pointer position inside the plot, in pixels. */
  left: number;
  top: number;
}

export interface GraphTooltipProps {
  state: TooltipState;
  data: GraphData;
  mode: string;
  sort: string;
  hidden: ReadonlySet<string>;
  timeZone: string;
  plotWidth: number;
}

/** The values below the pointer. */
export function GraphTooltip({ state, data, mode, sort, hidden, timeZone, plotWidth }: GraphTooltipProps) {
  const timeSeconds = data.xSeconds[state.index];
  if (timeSeconds === undefined || mode === "none") return null;
  const rows = data.series
    .map((series, index) => ({ series, index, value: series.values[state.index] }))
    .filter(({ series, value, index }) => {
      if (value === null || value === undefined || hidden.has(series.name) || series.style.hiddenInTooltip)
        return false;
      return mode === "multi" || state.series === null || state.series === index;
    });
  if (rows.length === 0) return null;
  if (sort === "desc") rows.sort((a, b) => b.value! - a.value!);
  if (sort === "asc") rows.sort((a, b) => a.value! - b.value!);
  const shown = mode === "multi" ? rows.slice(0, ROWS_MAX) : rows.slice(0, 1);
  const onRight = state.left > plotWidth / 2;
  const style = onRight
    ? { right: plotWidth - state.left + 14, top: state.top + 10 }
    : { left: state.left + 14, top: state.top + 10 };
  return (
    <div className="viz-tooltip" style={style}>
      <div className="viz-tooltip-time">{formatDateTime(timeSeconds * 1_000, timeZone)}</div>
      {shown.map(({ series, index, value }) => (
        <div key={index} className={`viz-tooltip-row ${index === state.series && mode === "multi" ? "focused" : ""}`}>
          <span className="swatch" style={{ background: series.color }} />
          <span className="tip-name">{series.name}</span>
          <span className="tip-value">
            {series.field.display === undefined ? value : formattedValueToString(series.field.display(value))}
          </span>
        </div>
      ))}
      {rows.length > shown.length && mode === "multi" && (
        <div className="viz-tooltip-more">and {rows.length - shown.length} more</div>
      )}
    </div>
  );
}
