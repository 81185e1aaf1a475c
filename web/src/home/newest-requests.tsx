import { useQuery } from "@tanstack/react-query";
import type { DataSourceDirectory } from "../api/data-sources.ts";
import { exploreUrl, traceUrl } from "../explore/urls.ts";
import { searchTraces } from "../query/tempo.ts";
import { formatAgo, formatTraceMs } from "../time/format.ts";
import { nanosToMs } from "../traces/read-otlp.ts";

const REFRESH_MS = 4_000;
const SHOWN = 12;
/** How far back the newest requests may lie. */
const LOOK_BACK_MS = 3_600_000;

/** The newest traces of the gateway, each a way into its waterfall. */
export function NewestRequests({ directory }: { directory: DataSourceDirectory }) {
  const tempo = directory.ofType("tempo");
  const { data, error, dataUpdatedAt } = useQuery({
    queryKey: ["newest", tempo?.uid],
    enabled: tempo !== undefined,
    refetchInterval: REFRESH_MS,
    queryFn: ({ signal }) =>
      searchTraces(
        tempo!,
        {
          query: "{ kind = server }",
          range: { fromMs: Date.now() - LOOK_BACK_MS, toMs: Date.now() },
          limit: SHOWN,
          spansPerTrace: 1,
        },
        signal,
      ),
  });
  if (tempo === undefined) return null;
  return (
    <section className="home-box">
      <header>
        <h2>Newest requests</h2>
        <a href={exploreUrl(tempo.uid, "{ kind = server }", { from: "now-15m", to: "now" })}>All in Explore</a>
      </header>
      {error !== null && <p className="panel-warning">{error.message}</p>}
      {data?.length === 0 && <p className="hint">Nothing yet. The first request appears here within two seconds.</p>}
      <ul className="newest">
        {(data ?? []).map((hit) => (
          <li key={hit.traceID}>
            <a href={traceUrl(tempo.uid, hit.traceID)}>
              <span className="newest-time">{formatAgo(nanosToMs(hit.startTimeUnixNano ?? "0"), dataUpdatedAt)}</span>
              <span className="newest-name">{hit.rootTraceName || hit.traceID}</span>
              <span className="newest-duration">{formatTraceMs(hit.durationMs ?? 0)}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
