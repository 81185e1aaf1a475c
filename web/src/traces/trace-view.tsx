import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import type { DataSourceDirectory } from "../api/data-sources.ts";
import { traceLogsUrl } from "../explore/urls.ts";
import { formatDateTimeMs, formatMs } from "../time/format.ts";
import { Icon } from "../ui/icon.tsx";
import { serviceColor } from "./service-colors.ts";
import { SpanDetails } from "./span-details.tsx";
import { visibleRows } from "./tree.ts";
import type { Trace, TraceRow } from "./types.ts";

const ROW_HEIGHT_PX = 28;
/** Indentation per level; deep levels share what room there is. */
const INDENT_PX = 14;
const INDENT_LEVELS_MAX = 14;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

interface TraceViewProps {
  trace: Trace;
  directory: DataSourceDirectory;
  timeZone: string;
  /** Height in pixels of the whole view. */
  height: number;
  /** A span to open at the start. */
  spanId?: string;
}

/** A trace as a waterfall: the tree of spans at the left, their times at the right, a click opens a span. */
export function TraceView({ trace, directory, timeZone, height, spanId }: TraceViewProps) {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [opened, setOpened] = useState<ReadonlySet<string>>(() => new Set(spanId === undefined ? [] : [spanId]));
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => visibleRows(trace.rows, folded), [trace, folded]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT_PX,
    getItemKey: (index) => rows[index]!.span.spanId,
    overscan: 10,
  });
  const loki = directory.ofType("loki");
  return (
    <div className="trace-view" style={{ height }} data-trace-id={trace.traceId}>
      <header className="trace-head">
        <div className="trace-head-main">
          <h3>
            {trace.rootService}: {trace.rootName}
          </h3>
          <code className="trace-id">{trace.traceId}</code>
        </div>
        <dl className="trace-facts">
          <Fact name="Start" value={formatDateTimeMs(trace.startMs, timeZone)} />
          <Fact name="Duration" value={formatMs(trace.durationMs)} />
          <Fact name="Services" value={String(trace.services.length)} />
          <Fact name="Spans" value={String(trace.rows.length)} />
          {trace.errorCount > 0 && <Fact name="Errors" value={String(trace.errorCount)} isError />}
        </dl>
        {loki !== undefined && (
          <a
            className="button trace-logs-link"
            href={traceLogsUrl(loki.uid, trace.traceId, trace.startMs, trace.startMs + trace.durationMs)}
          >
            <Icon name="logs" size={14} /> Logs of this trace
          </a>
        )}
      </header>
      <div className="waterfall-scale">
        <span className="waterfall-scale-title">Service and operation</span>
        <div className="waterfall-ticks">
          {TICKS.map((share) => (
            <span key={share} style={share === 1 ? { right: 0 } : { left: `${share * 100}%` }}>
              {formatMs(trace.durationMs * share)}
            </span>
          ))}
        </div>
      </div>
      <div className="waterfall" ref={scroller}>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index]!;
            const { spanId: id } = row.span;
            return (
              <div
                key={item.key}
                data-index={item.index}
                ref={virtual.measureElement}
                className="waterfall-item"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <SpanRow
                  row={row}
                  trace={trace}
                  isFolded={folded.has(id)}
                  isOpen={opened.has(id)}
                  onFold={() => setFolded(switched(folded, id))}
                  onOpen={() => setOpened(switched(opened, id))}
                />
                {opened.has(id) && (
                  <SpanDetails span={row.span} trace={trace} directory={directory} timeZone={timeZone} />
                )}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Fact({ name, value, isError = false }: { name: string; value: string; isError?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={isError ? "error" : ""}>{value}</dd>
    </div>
  );
}

function switched(set: ReadonlySet<string>, id: string): Set<string> {
  const next = new Set(set);
  if (!next.delete(id)) next.add(id);
  return next;
}

interface SpanRowProps {
  row: TraceRow;
  trace: Trace;
  isFolded: boolean;
  isOpen: boolean;
  onFold: () => void;
  onOpen: () => void;
}

function SpanRow({ row, trace, isFolded, isOpen, onFold, onOpen }: SpanRowProps) {
  const { span, depth, childCount } = row;
  const color = serviceColor(span.service);
  const total = trace.durationMs || 1;
  const left = ((span.startMs - trace.startMs) / total) * 100;
  const width = Math.max(0.15, (span.durationMs / total) * 100);
  // Beside the bar where there is room, else inside its end.
  const labelInside = left + width > 84;
  return (
    <div className={`span-row ${isOpen ? "open" : ""}`} data-span-id={span.spanId}>
      <div className="span-name" style={{ paddingLeft: Math.min(depth, INDENT_LEVELS_MAX) * INDENT_PX + 4 }}>
        {childCount > 0 ? (
          <button
            type="button"
            className="span-fold"
            aria-expanded={!isFolded}
            aria-label={`${childCount} child spans`}
            onClick={onFold}
          >
            <Icon name={isFolded ? "chevronRight" : "chevronDown"} size={12} />
          </button>
        ) : (
          <span className="span-fold" />
        )}
        <span className="span-mark" style={{ background: color }} />
        <button
          type="button"
          className="span-open"
          aria-expanded={isOpen}
          onClick={onOpen}
          title={`${span.service}: ${span.name}`}
        >
          {span.isError && (
            <span className="span-error">
              <Icon name="warning" size={13} />
            </span>
          )}
          <b>{span.service}</b> <span>{span.name}</span>
        </button>
      </div>
      <button
        type="button"
        className="span-lane"
        onClick={onOpen}
        tabIndex={-1}
        aria-label={`${span.name}, ${formatMs(span.durationMs)}`}
      >
        <span className="span-bar" style={{ left: `${left}%`, width: `${width}%`, background: color }} />
        <span
          className={`span-duration ${labelInside ? "inside" : ""}`}
          style={
            labelInside ? { right: `${Math.max(0, 100 - left - width) + 0.6}%` } : { left: `${left + width + 0.6}%` }
          }
        >
          {formatMs(span.durationMs)}
        </span>
      </button>
    </div>
  );
}
