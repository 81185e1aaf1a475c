import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { DataSourceDirectory } from "../api/data-sources.ts";
import type { DataSource } from "../api/types.ts";
import { usePageSearch } from "../app/location.ts";
import { useDataSources } from "../app/queries.ts";
import { searchText } from "../app/search.ts";
import { BarSlot } from "../app/shell.tsx";
import { PanelCard } from "../dashboard/panel-card.tsx";
import { useClock } from "../dashboard/use-clock.ts";
import { EXAMPLE_QUERIES, explorePanels } from "../explore/explore-panels.ts";
import { exploreUrl } from "../explore/urls.ts";
import { fetchTrace, isTraceId } from "../query/tempo.ts";
import { resolveRange } from "../time/range.ts";
import { TraceView } from "../traces/trace-view.tsx";
import { Icon } from "../ui/icon.tsx";
import { PageError } from "../ui/page-error.tsx";
import { RefreshPicker, TimeRangePicker } from "../ui/time-controls.tsx";
import type { VariableScope } from "../variables/interpolate.ts";

const QueryEditor = lazy(() =>
  import("../explore/query-editor.tsx").then((module) => ({ default: module.QueryEditor })),
);

/** Kinds of sources that Explore speaks with. */
const LANGUAGES: Record<string, string> = { prometheus: "PromQL", loki: "LogQL", tempo: "TraceQL" };
const NO_VARIABLES = new Map();

/** `/explore`: free queries in PromQL, LogQL and TraceQL, and single traces. Its whole state is in the address. */
export function ExplorePage() {
  const { directory, error } = useDataSources();
  useEffect(() => {
    document.title = "Explore · GatewayZ";
  }, []);
  if (error !== null) return <PageError title="Explore cannot start" message={error.message} />;
  if (directory === undefined) return <div className="page-loading" />;
  return <OpenExplore directory={directory} />;
}

function OpenExplore({ directory }: { directory: DataSourceDirectory }) {
  const [search, changeSearch] = usePageSearch();
  const sources = directory.all.filter((source) => source.type in LANGUAGES);
  const traceId = searchText(search, "traceId");
  const source = findSource(
    directory,
    sources,
    searchText(search, "ds") ?? searchText(search, "datasource"),
    traceId !== undefined,
  );
  const query = searchText(search, "query") ?? "";
  const from = searchText(search, "from") ?? "now-1h";
  const to = searchText(search, "to") ?? "now";
  const refresh = searchText(search, "refresh") ?? "";
  const raw = useMemo(() => ({ from, to }), [from, to]);
  const { nowMs, tick, refreshNow } = useClock(refresh, raw);
  const [draft, setDraft] = useState(query);
  useEffect(() => setDraft(query), [query]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a tick asks again even when the range is absolute.
  const scope = useMemo<VariableScope>(
    () => ({ variables: NO_VARIABLES, range: resolveRange(raw, nowMs) }),
    [raw, nowMs, tick],
  );
  if (source === undefined)
    return <PageError title="Explore has nothing to ask" message="No data source is configured." />;

  const run = () => {
    const text = draft.trim();
    if (source.type === "tempo" && isTraceId(text))
      return changeSearch({ ds: source.uid, traceId: text, spanId: undefined, query: undefined });
    if (text === query && traceId === undefined) return refreshNow();
    changeSearch({ ds: source.uid, query: text, traceId: undefined, spanId: undefined });
  };
  return (
    <div className="explore">
      <BarSlot side="right">
        <TimeRangePicker
          raw={raw}
          timeZone="browser"
          onChange={(next) => changeSearch({ from: next.from, to: next.to })}
        />
        <RefreshPicker
          interval={refresh}
          intervals={["5s", "10s", "30s", "1m"]}
          onChange={(next) => changeSearch({ refresh: next || undefined }, { replace: true })}
          onRefresh={refreshNow}
        />
      </BarSlot>
      <div className="explore-query">
        <div className="explore-tools">
          <select
            aria-label="Data source"
            value={source.uid}
            onChange={(event) =>
              changeSearch({ ds: event.target.value, query: undefined, traceId: undefined, spanId: undefined })
            }
          >
            {sources.map((one) => (
              <option key={one.uid} value={one.uid}>
                {one.name}
              </option>
            ))}
          </select>
          <span className="explore-language">{LANGUAGES[source.type]}</span>
          {traceId !== undefined && (
            <button
              type="button"
              className="button"
              onClick={() => changeSearch({ traceId: undefined, spanId: undefined, query: query || "{}" })}
            >
              <Icon name="search" size={14} /> Search traces
            </button>
          )}
          <button type="button" className="button primary explore-run" onClick={run}>
            <Icon name="play" size={14} /> Run query
          </button>
        </div>
        <Suspense fallback={<div className="query-editor-loading" />}>
          <QueryEditor source={source} value={traceId ?? draft} onChange={setDraft} onRun={run} />
        </Suspense>
      </div>
      {traceId !== undefined ? (
        <ExploreTrace source={source} traceId={traceId} spanId={searchText(search, "spanId")} directory={directory} />
      ) : query.trim() === "" ? (
        <Examples source={source} />
      ) : (
        <Answer
          source={source}
          query={query}
          directory={directory}
          scope={scope}
          onZoom={(fromMs, toMs) => changeSearch({ from: String(fromMs), to: String(toMs) })}
        />
      )}
    </div>
  );
}

function findSource(
  directory: DataSourceDirectory,
  sources: readonly DataSource[],
  wanted: string | undefined,
  isTrace: boolean,
): DataSource | undefined {
  if (wanted !== undefined) {
    try {
      return directory.resolve(wanted);
    } catch {
      // An address with a source that is gone still opens, with another one.
    }
  }
  return (isTrace ? directory.ofType("tempo") : undefined) ?? directory.default ?? sources[0];
}

interface AnswerProps {
  source: DataSource;
  query: string;
  directory: DataSourceDirectory;
  scope: VariableScope;
  onZoom: (fromMs: number, toMs: number) => void;
}

function Answer({ source, query, directory, scope, onZoom }: AnswerProps) {
  const panels = useMemo(() => explorePanels(source, query), [source, query]);
  const zoom = useRef(onZoom);
  zoom.current = onZoom;
  const setTimeRange = useCallback((fromMs: number, toMs: number) => zoom.current(fromMs, toMs), []);
  const findPanel = useCallback(() => undefined, []);
  return (
    <div className="explore-answer">
      {panels.map(({ panel, heightPx }) => (
        <div key={`${source.uid}-${panel.type}-${panel.id}`} style={{ height: heightPx }}>
          <PanelCard
            panel={panel}
            directory={directory}
            scope={scope}
            timeZone="browser"
            cursorKey={undefined}
            setTimeRange={setTimeRange}
            findPanel={findPanel}
            onView={undefined}
          />
        </div>
      ))}
    </div>
  );
}

function Examples({ source }: { source: DataSource }) {
  return (
    <div className="explore-examples">
      <h2>Some queries to start with</h2>
      <ul>
        {(EXAMPLE_QUERIES[source.type] ?? []).map((example) => (
          <li key={example.query}>
            <a href={exploreUrl(source.uid, example.query)}>
              <span>{example.title}</span>
              <code>{example.query}</code>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface ExploreTraceProps {
  source: DataSource;
  traceId: string;
  spanId: string | undefined;
  directory: DataSourceDirectory;
}

/** Time that a trace may need to arrive after its request ended. */
const TRACE_RETRIES = 3;

function ExploreTrace({ source, traceId, spanId, directory }: ExploreTraceProps) {
  const { data, error } = useQuery({
    queryKey: ["trace", source.uid, traceId],
    queryFn: ({ signal }) => fetchTrace(source, traceId, signal).then((trace) => trace ?? null),
    retry: (count, failure) => count < TRACE_RETRIES && "status" in failure && failure.status === 404,
    retryDelay: 700,
  });
  const state = error !== null ? "error" : data === undefined ? "loading" : data === null ? "empty" : "data";
  return (
    <section
      className="panel explore-trace"
      data-panel-id="trace"
      data-panel-type="trace"
      data-panel-state={state}
      aria-label="Trace"
    >
      {error !== null && (
        <div className="panel-message panel-error" role="alert">
          <strong>Trace {traceId} cannot be shown</strong>
          <p>{error.message}</p>
        </div>
      )}
      {data === undefined && error === null && <div className="page-loading" />}
      {data === null && <div className="panel-message">Trace {traceId} holds no spans</div>}
      {data !== undefined && data !== null && (
        <TraceView
          trace={data}
          directory={directory}
          timeZone="browser"
          height={Math.max(420, window.innerHeight - 230)}
          spanId={spanId}
        />
      )}
    </section>
  );
}
