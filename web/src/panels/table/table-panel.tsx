import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import { traceUrl } from "../../explore/urls.ts";
import {
  type DataFrame,
  FieldType,
  formattedValueToString,
  type GrafanaTheme2,
  getFieldDisplayName,
  reduceField,
} from "../../grafana/data.ts";
import { keyed } from "../../ui/keyed.ts";
import { withAlpha } from "../color.ts";
import type { PanelHost, PanelProps } from "../types.ts";
import { type Column, mergeSeries, type Sort, sortedRows, tableColumns } from "./table-model.ts";

const ROW_HEIGHTS_PX: Record<string, number> = { sm: 30, md: 36, lg: 48 };
const COLUMN_WIDTH_MIN_PX = 90;
/** Rows whose text is measured for column widths. */
const MEASURED_ROWS_MAX = 60;
const CHAR_WIDTH_PX = 7.2;
/** A column never grows wider than this by its content alone. */
const CONTENT_WIDTH_MAX_PX = 420;

/** Columns that hold trace ids, whatever produced the frame. */
const TRACE_ID_FIELDS = new Set(["traceID", "traceId", "trace_id", "traceIdHidden"]);

/** Rows and columns, sorted by a click on a title; only visible rows exist in the page. */
export function TablePanel({ frames, panel, width, height, theme, host }: PanelProps) {
  const merged = useMemo(() => mergeSeries(frames.filter((frame) => frame.fields.length > 0)), [frames]);
  const [chosen, setChosen] = useState(0);
  const frame = merged[Math.min(chosen, merged.length - 1)];
  if (frame === undefined) return null;
  const selectHeight = merged.length > 1 ? 36 : 0;
  return (
    <div className="table-viz">
      <FrameTable
        frame={frame}
        frames={merged}
        options={panel.options}
        width={width}
        height={height - selectHeight}
        theme={theme}
        host={host}
      />
      {merged.length > 1 && (
        <select
          className="frame-select"
          aria-label="Series"
          value={Math.min(chosen, merged.length - 1)}
          onChange={(event) => setChosen(Number(event.target.value))}
        >
          {keyed(merged, (one) => frameTitle(one, merged)).map(({ key, index }) => (
            <option key={key} value={index}>
              {key}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}

function frameTitle(frame: DataFrame, frames: readonly DataFrame[]): string {
  const value = frame.fields.find((field) => field.type === FieldType.number) ?? frame.fields[0]!;
  return frame.name ?? getFieldDisplayName(value, frame, frames as DataFrame[]);
}

interface FrameTableProps {
  frame: DataFrame;
  frames: readonly DataFrame[];
  options: Record<string, unknown>;
  width: number;
  height: number;
  theme: GrafanaTheme2;
  host: PanelHost;
}

function FrameTable({ frame, frames, options, width, height, theme, host }: FrameTableProps) {
  const initial = (options["sortBy"] as { displayName?: string; desc?: boolean }[] | undefined)?.[0];
  const [sort, setSort] = useState<Sort | undefined>(
    initial?.displayName === undefined ? undefined : { title: initial.displayName, desc: initial.desc === true },
  );
  const columns = useMemo(() => tableColumns(frame, frames), [frame, frames]);
  const rows = useMemo(() => sortedRows(frame, columns, sort), [frame, columns, sort]);
  const widths = useMemo(() => columnWidths(columns, frame.length, width), [columns, frame, width]);
  const rowHeight = ROW_HEIGHTS_PX[String(options["cellHeight"] ?? "sm")] ?? 30;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  });
  const template = widths.map((one) => `${one}px`).join(" ");
  const footer = footerTexts(columns, options["footer"]);
  return (
    <div className="table-scroller" ref={scroller} style={{ height }}>
      <table className="table-canvas" style={{ width: widths.reduce((sum, one) => sum + one, 0) }}>
        {options["showHeader"] !== false && (
          <thead>
            <tr className="table-head" style={{ gridTemplateColumns: template }}>
              {keyed(columns, (column) => column.title).map(({ key, item }) => (
                <th key={key}>
                  <button
                    type="button"
                    className={`align-${item.align}`}
                    onClick={() => setSort(nextSort(sort, item.title))}
                    title={item.title}
                  >
                    <span>{item.title}</span>
                    {sort?.title === item.title && <span className="sort">{sort.desc ? "▼" : "▲"}</span>}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => (
            <tr
              key={item.key}
              className="table-row"
              style={{ gridTemplateColumns: template, height: rowHeight, transform: `translateY(${item.start}px)` }}
            >
              {keyed(columns, (column) => column.title).map(({ key, item: column }) => (
                <Cell key={key} column={column} row={rows[item.index]!} theme={theme} host={host} />
              ))}
            </tr>
          ))}
        </tbody>
        {footer !== undefined && (
          <tfoot>
            <tr className="table-foot" style={{ gridTemplateColumns: template }}>
              {keyed(columns, (column) => column.title).map(({ key, item, index }) => (
                <td key={key} className={`align-${item.align}`}>
                  {footer[index]}
                </td>
              ))}
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

function nextSort(sort: Sort | undefined, title: string): Sort | undefined {
  if (sort?.title !== title) return { title, desc: true };
  return sort.desc ? { title, desc: false } : undefined;
}

function cellText(column: Column, row: number): { text: string; color: string | undefined } {
  const { field } = column;
  const value = field.values[row] as unknown;
  if (value !== null && typeof value === "object") return { text: JSON.stringify(value), color: undefined };
  if (field.display === undefined)
    return { text: value === null || value === undefined ? "" : String(value), color: undefined };
  if (value === null || value === undefined) return { text: field.config.noValue ?? "", color: undefined };
  const display = field.display(value);
  return { text: formattedValueToString(display), color: display.color };
}

/** How full a cell's bar is: between the column's limits, or from zero to its largest value where none are set. */
function gaugeShare({ field }: Column, row: number): number {
  const value = field.values[row] as unknown;
  if (typeof value !== "number" || !Number.isFinite(value)) return 0;
  const min = field.config.min ?? 0;
  const max = field.config.max ?? Math.max(...(field.values as (number | null)[]).map((one) => one ?? 0));
  return Math.max(0, Math.min(1, (value - min) / (max - min || 1)));
}

function Cell({ column, row, theme, host }: { column: Column; row: number; theme: GrafanaTheme2; host: PanelHost }) {
  const { text, color } = cellText(column, row);
  const link = cellLink(column, row, host);
  const isGauge = column.cell === "basic" || column.cell.endsWith("-gauge");
  const style: Record<string, string> = {};
  if (column.cell === "color-text" && color !== undefined) style["color"] = color;
  if (column.cell === "color-background" && color !== undefined) {
    style["background"] = withAlpha(color, theme.isDark ? 0.85 : 0.9);
    style["color"] = theme.colors.getContrastText(color.startsWith("#") ? color.slice(0, 7) : "#808080");
  }
  const content =
    link === undefined ? (
      text
    ) : (
      <a href={link.href} target={link.target}>
        {text}
      </a>
    );
  return (
    <td className={`align-${column.align} ${column.cell === "json-view" ? "json" : ""}`} style={style} title={text}>
      {isGauge ? (
        <span className="cell-gauge">
          <span className="cell-gauge-track">
            <span
              className="cell-gauge-fill"
              style={{ width: `${gaugeShare(column, row) * 100}%`, background: color }}
            />
          </span>
          <span style={{ color }}>{content}</span>
        </span>
      ) : (
        content
      )}
    </td>
  );
}

function cellLink({ field }: Column, row: number, host: PanelHost): { href: string; target?: string } | undefined {
  const value = field.values[row] as unknown;
  const configured = (field.config.links?.length ?? 0) > 0 ? field.getLinks?.({ valueRowIndex: row })[0] : undefined;
  if (configured !== undefined) return { href: configured.href, target: configured.target };
  if (TRACE_ID_FIELDS.has(field.name) && typeof value === "string" && value !== "") {
    const tempo = host.directory.ofType("tempo");
    if (tempo !== undefined) return { href: traceUrl(tempo.uid, value) };
  }
  if (typeof value === "string" && /^https?:\/\/\S+$/.test(value)) return { href: value, target: "_blank" };
  return undefined;
}

/** Fixed widths as asked; the rest shares what is left in proportion to its content. */
function columnWidths(columns: readonly Column[], rowCount: number, available: number): number[] {
  const wanted = columns.map((column) => {
    if (column.width !== undefined) return column.width;
    let chars = column.title.length + 2;
    const step = Math.max(1, Math.floor(rowCount / MEASURED_ROWS_MAX));
    for (let row = 0; row < rowCount; row += step) chars = Math.max(chars, cellText(column, row).text.length);
    return Math.min(CONTENT_WIDTH_MAX_PX, Math.max(COLUMN_WIDTH_MIN_PX, chars * CHAR_WIDTH_PX + 20));
  });
  const fixed = columns.reduce((sum, column, index) => sum + (column.width === undefined ? 0 : wanted[index]!), 0);
  const flexible = wanted.reduce((sum, one) => sum + one, 0) - fixed;
  const spare = available - fixed - 8;
  if (flexible === 0 || spare <= 0) return wanted;
  const scale = spare / flexible;
  return wanted.map((one, index) =>
    columns[index]!.width !== undefined ? one : Math.max(COLUMN_WIDTH_MIN_PX, Math.floor(one * scale)),
  );
}

function footerTexts(columns: readonly Column[], footer: unknown): string[] | undefined {
  const { show, reducer } = (footer ?? {}) as { show?: boolean; reducer?: string[] };
  if (show !== true || reducer === undefined || reducer.length === 0) return undefined;
  return columns.map(({ field }, index) => {
    if (field.type !== FieldType.number) return index === 0 ? reducer[0]! : "";
    const value = reduceField({ field, reducers: reducer })[reducer[0]!] as number | null;
    if (value === null || value === undefined) return "";
    return field.display === undefined ? String(value) : formattedValueToString(field.display(value));
  });
}
