import type { DataSourceDirectory } from "../api/data-sources.ts";
import { exploreUrl, traceLogsUrl, traceUrl } from "../explore/urls.ts";
import { formatDateTimeMs, formatMs } from "../time/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { AttributeValue, Span, Trace } from "./types.ts";

interface SpanDetailsProps {
  span: Span;
  trace: Trace;
  directory: DataSourceDirectory;
  timeZone: string;
}

/** Everything a span carries, with ways to its logs and to similar spans. */
export function SpanDetails({ span, trace, directory, timeZone }: SpanDetailsProps) {
  const loki = directory.ofType("loki");
  const tempo = directory.ofType("tempo");
  const similar = `{ resource.service.name = ${JSON.stringify(span.service)} && name = ${JSON.stringify(span.name)} }`;
  return (
    <div className="span-details">
      <p className="span-facts">
        <span>
          Service <b>{span.service}</b>
        </span>
        <span>
          Duration <b>{formatMs(span.durationMs)}</b>
        </span>
        <span>
          Starts after <b>{formatMs(span.startMs - trace.startMs)}</b>
        </span>
        <span>
          Kind <b>{span.kind}</b>
        </span>
        <span>
          Span id <code>{span.spanId}</code>
        </span>
        {span.scope !== "" && (
          <span>
            Library <b>{span.scope}</b>
          </span>
        )}
      </p>
      {span.isError && <p className="span-status">Error{span.statusMessage === "" ? "" : `: ${span.statusMessage}`}</p>}
      <p className="span-links">
        {loki !== undefined && (
          <a
            className="button"
            href={traceLogsUrl(loki.uid, span.traceId, span.startMs, span.startMs + span.durationMs)}
          >
            <Icon name="logs" size={14} /> Logs
          </a>
        )}
        {tempo !== undefined && (
          <a className="button" href={exploreUrl(tempo.uid, similar, { from: "now-1h", to: "now" })}>
            <Icon name="search" size={14} /> Similar spans
          </a>
        )}
      </p>
      <div className="span-tables">
        <AttributeTable title="Span attributes" attributes={span.attributes} />
        <AttributeTable title="Resource attributes" attributes={span.resource} />
      </div>
      {span.events.length > 0 && (
        <div className="span-events">
          <h4>Events</h4>
          {span.events.map((event) => (
            <div key={`${event.timeMs}-${event.name}`}>
              <b>{event.name}</b> <span className="hint">{formatDateTimeMs(event.timeMs, timeZone)}</span>
              <AttributeTable title="" attributes={event.attributes} />
            </div>
          ))}
        </div>
      )}
      {span.links.length > 0 && tempo !== undefined && (
        <div className="span-events">
          <h4>Links</h4>
          {span.links.map((link) => (
            <a key={link.spanId} href={traceUrl(tempo.uid, link.traceId, link.spanId)}>
              {link.traceId}
            </a>
          ))}
        </div>
      )}
    </div>
  );
}

function AttributeTable({ title, attributes }: { title: string; attributes: Record<string, AttributeValue> }) {
  const entries = Object.entries(attributes);
  if (entries.length === 0) return null;
  return (
    <table className="field-table">
      {title !== "" && <caption>{title}</caption>}
      <tbody>
        {entries.map(([name, value]) => (
          <tr key={name}>
            <th>{name}</th>
            <td className={typeof value}>{Array.isArray(value) ? value.join(", ") : String(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
