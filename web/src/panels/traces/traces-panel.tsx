import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { traceUrl } from "../../explore/urls.ts";
import type { DataFrame } from "../../grafana/data.ts";
import { fetchTrace } from "../../query/tempo.ts";
import { formatAgo, formatDateTime, formatTraceMs } from "../../time/format.ts";
import { serviceColor } from "../../traces/service-colors.ts";
import { TraceView } from "../../traces/trace-view.tsx";
import type { Trace } from "../../traces/types.ts";
import { Icon } from "../../ui/icon.tsx";
import type { PanelProps } from "../types.ts";

interface TraceLine {
  traceId: string;
  startMs: number;
  service: string;
  name: string;
  durationMs: number;
}

/** A list of traces; a click opens one as a waterfall in place. A query for one id shows that trace at once. */
export function TracesPanel({ frames, panel, height, range, timeZone, host }: PanelProps) {
  const [chosen, setChosen] = useState<string | undefined>();
  const whole = frames
    .map((frame) => (frame.meta?.custom as { trace?: Trace } | undefined)?.trace)
    .find((trace) => trace !== undefined);
  if (whole !== undefined)
    return <TraceView trace={whole} directory={host.directory} timeZone={timeZone} height={height} />;
  if (chosen !== undefined)
    return (
      <OneTrace traceId={chosen} height={height} timeZone={timeZone} host={host} onBack={() => setChosen(undefined)} />
    );
  const lines = frames.flatMap(readLines);
  const longest = Math.max(...lines.map((line) => line.durationMs), 1);
  const tempo = host.directory.ofType("tempo");
  return (
    <ul className="trace-list" style={{ height }}>
      {lines.map((line) => (
        <li key={line.traceId}>
          <TraceLink
            href={
              panel.options["openInExplore"] === true && tempo !== undefined
                ? traceUrl(tempo.uid, line.traceId)
                : undefined
            }
            traceId={line.traceId}
            onChoose={() => setChosen(line.traceId)}
          >
            <span className="trace-list-time" title={formatDateTime(line.startMs, timeZone)}>
              {formatAgo(line.startMs, range.toMs)}
            </span>
            <span className="trace-list-name">
              <span className="span-mark" style={{ background: serviceColor(line.service) }} />
              <b>{line.service}</b> {line.name}
            </span>
            <span className="trace-list-bar">
              <span
                style={{ width: `${(line.durationMs / longest) * 100}%`, background: serviceColor(line.service) }}
              />
            </span>
            <span className="trace-list-duration">{formatTraceMs(line.durationMs)}</span>
          </TraceLink>
          {tempo !== undefined && (
            <a className="icon-button small" href={traceUrl(tempo.uid, line.traceId)} title="Open in Explore">
              <Icon name="external" size={13} />
            </a>
          )}
        </li>
      ))}
    </ul>
  );
}

interface TraceLinkProps {
  /** Where the trace opens on a page of its own; undefined opens it in place. */
  href: string | undefined;
  traceId: string;
  onChoose: () => void;
  children: ReactNode;
}

function TraceLink({ href, traceId, onChoose, children }: TraceLinkProps) {
  if (href !== undefined) {
    return (
      <a className="trace-list-line" href={href} data-trace-id={traceId}>
        {children}
      </a>
    );
  }
  return (
    <button type="button" className="trace-list-line" onClick={onChoose} data-trace-id={traceId}>
      {children}
    </button>
  );
}

function readLines(frame: DataFrame): TraceLine[] {
  const column = (...names: string[]) =>
    frame.fields.find((field) => names.includes(field.name))?.values as unknown[] | undefined;
  const ids = column("traceID", "traceIdHidden");
  if (ids === undefined) return [];
  const starts = column("startTime", "time");
  const services = column("traceService");
  const names = column("traceName", "name");
  const isSpans = column("traceIdHidden") !== undefined;
  const durations = column("traceDuration", "duration");
  return ids.map((id, row) => ({
    traceId: String(id),
    startMs: Number(starts?.[row] ?? 0),
    service: String(services?.[row] ?? ""),
    name: String(names?.[row] ?? ""),
    durationMs: Number(durations?.[row] ?? 0) / (isSpans ? 1e6 : 1),
  }));
}

function OneTrace({
  traceId,
  height,
  timeZone,
  host,
  onBack,
}: {
  traceId: string;
  height: number;
  timeZone: string;
  host: PanelProps["host"];
  onBack: () => void;
}) {
  const tempo = host.directory.ofType("tempo");
  const { data, error } = useQuery({
    queryKey: ["trace", tempo?.uid, traceId],
    enabled: tempo !== undefined,
    queryFn: ({ signal }) => fetchTrace(tempo!, traceId, signal).then((trace) => trace ?? null),
  });
  return (
    <div className="one-trace">
      <button type="button" className="button" onClick={onBack}>
        <Icon name="chevronLeft" size={14} /> All traces
      </button>
      {error !== null && <div className="panel-message panel-error">{error.message}</div>}
      {data === null && <div className="panel-message">This trace is empty</div>}
      {data !== undefined && data !== null && (
        <TraceView trace={data} directory={host.directory} timeZone={timeZone} height={height - 38} />
      )}
    </div>
  );
}
