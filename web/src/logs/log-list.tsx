import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import type { DataSourceDirectory } from "../api/data-sources.ts";
import { traceUrl } from "../explore/urls.ts";
import { formatDateTimeMs } from "../time/format.ts";
import { Icon } from "../ui/icon.tsx";
import { keyed } from "../ui/keyed.ts";
import { type LogRow, lineFields, logTraceId, readableLine } from "./log-model.ts";

export interface LogListOptions {
  showTime: boolean;
  showLabels: boolean;
  wrap: boolean;
  /** Message first and fields after it, instead of the raw line, for JSON lines. */
  readable: boolean;
  details: boolean;
}

interface LogListProps {
  rows: readonly LogRow[];
  options: LogListOptions;
  timeZone: string;
  directory: DataSourceDirectory;
  /** Height in pixels of the scrolling box. */
  height: number;
}

/** Log lines with level colours. A click opens a line's fields; a line of a request leads to its trace. */
export function LogList({ rows, options, timeZone, directory, height }: LogListProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const scroller = useRef<HTMLDivElement>(null);
  const items = useMemo(() => keyed(rows, (row) => `${row.ns}|${row.line}`), [rows]);
  const common = useMemo(() => (options.showLabels ? commonLabels(rows) : EMPTY), [rows, options.showLabels]);
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 22,
    getItemKey: (index) => items[index]!.key,
    overscan: 12,
  });
  const toggle = (key: string) => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };
  return (
    <div className="log-list" ref={scroller} style={{ height }}>
      <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {virtual.getVirtualItems().map((item) => {
          const { key, item: row } = items[item.index]!;
          return (
            <div
              key={item.key}
              data-index={item.index}
              ref={virtual.measureElement}
              className="log-item"
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <LogLine
                row={row}
                common={common}
                isOpen={open.has(key)}
                onToggle={() => toggle(key)}
                options={options}
                timeZone={timeZone}
                directory={directory}
              />
            </div>
          );
        })}
      </div>
    </div>
  );
}

interface LogLineProps {
  row: LogRow;
  /** Names of labels that all lines share, left out of each. */
  common: ReadonlySet<string>;
  isOpen: boolean;
  onToggle: () => void;
  options: LogListOptions;
  timeZone: string;
  directory: DataSourceDirectory;
}

function LogLine({ row, common, isOpen, onToggle, options, timeZone, directory }: LogLineProps) {
  const traceId = logTraceId(row);
  const tempo = directory.ofType("tempo");
  const readable = options.readable ? readableLine(row.line) : undefined;
  return (
    <>
      <div className={`log-line level-${row.level} ${options.wrap && readable === undefined ? "log-wrap" : ""}`}>
        <button
          type="button"
          className="log-toggle"
          aria-expanded={isOpen}
          aria-label="Show the line's fields"
          onClick={onToggle}
        >
          <Icon name={isOpen ? "chevronDown" : "chevronRight"} size={12} />
        </button>
        {options.showTime && <span className="log-time">{formatDateTimeMs(row.timeMs, timeZone)}</span>}
        <span className="log-level">{row.level === "unknown" ? "" : row.level}</span>
        {options.showLabels && <span className="log-labels">{labelText(row, common)}</span>}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the button at the row's start does the same by keyboard. */}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: as above; the text itself must stay selectable. */}
        <span
          className="log-text"
          onClick={() => window.getSelection()?.isCollapsed !== false && options.details && onToggle()}
        >
          {readable === undefined ? (
            row.line
          ) : (
            <>
              <span className="log-message">{readable.message}</span>
              {readable.fields.map(([name, value]) => (
                <span key={name} className="log-field">
                  {" "}
                  <span className="log-field-name">{name}=</span>
                  {value}
                </span>
              ))}
            </>
          )}
        </span>
        {traceId !== undefined && tempo !== undefined && (
          <a
            className="trace-link"
            href={traceUrl(tempo.uid, traceId)}
            title={`Trace ${traceId}`}
            data-trace-id={traceId}
          >
            <Icon name="trace" size={12} /> Trace
          </a>
        )}
      </div>
      {isOpen && <LogDetails row={row} traceId={traceId} tempoUid={tempo?.uid} />}
    </>
  );
}

const EMPTY: ReadonlySet<string> = new Set();
/** Ids differ on every line and have a place of their own. */
const ID_LABELS = new Set(["trace_id", "span_id", "request_id", "user_id"]);

function labelText(row: LogRow, common: ReadonlySet<string>): string {
  return Object.entries(row.labels)
    .filter(([name]) => !common.has(name) && !ID_LABELS.has(name))
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

/** Labels with the same value on every line. */
function commonLabels(rows: readonly LogRow[]): Set<string> {
  const first = rows[0];
  if (first === undefined) return new Set();
  return new Set(
    Object.keys(first.labels).filter((name) => rows.every((row) => row.labels[name] === first.labels[name])),
  );
}

function LogDetails({
  row,
  traceId,
  tempoUid,
}: {
  row: LogRow;
  traceId: string | undefined;
  tempoUid: string | undefined;
}) {
  const fields = lineFields(row.line);
  const labels = Object.entries(row.labels).filter(([name]) => !fields.some(([field]) => field === name));
  return (
    <div className="log-details">
      {traceId !== undefined && tempoUid !== undefined && (
        <p className="log-details-links">
          <a className="button" href={traceUrl(tempoUid, traceId)}>
            <Icon name="trace" size={14} /> Open trace {traceId}
          </a>
        </p>
      )}
      <FieldTable title="Fields" fields={fields} />
      <FieldTable title="Labels and metadata" fields={labels} />
      <pre className="log-raw">{row.line}</pre>
    </div>
  );
}

function FieldTable({ title, fields }: { title: string; fields: readonly [string, string][] }) {
  if (fields.length === 0) return null;
  return (
    <table className="field-table">
      <caption>{title}</caption>
      <tbody>
        {fields.map(([name, value]) => (
          <tr key={name}>
            <th>{name}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
