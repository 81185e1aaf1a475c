import { postForm } from "../api/client.ts";
import { proxyUrl } from "../api/data-sources.ts";
import type { DataSource } from "../api/types.ts";
import { type DataFrame, FieldType } from "../grafana/data.ts";
import { field, frame, type Series } from "./frames.ts";
import { readSeries } from "./prometheus.ts";
import type { QueryRequest } from "./types.ts";

/** The metrics that Tempo's generator writes for each pair of services; `$range` is filled in. */
const QUERIES = {
  calls: "sum by (client, server) (rate(traces_service_graph_request_total[$range]))",
  failures: "sum by (client, server) (rate(traces_service_graph_request_failed_total[$range]))",
  seconds: "sum by (client, server) (rate(traces_service_graph_request_server_seconds_sum[$range]))",
} as const;

interface Traffic {
  calls: number;
  failures: number;
  seconds: number;
}

/** Nodes and edges of the service graph, read from the metrics that belong to a Tempo data source. */
export async function runServiceMap(request: QueryRequest): Promise<DataFrame[]> {
  const source = metricsSource(request);
  const rangeSeconds = Math.max(60, Math.round((request.range.toMs - request.range.fromMs) / 1_000));
  const names = Object.keys(QUERIES) as (keyof Traffic)[];
  const answers = await Promise.all(
    names.map((name) => askInstant(source, QUERIES[name].replace("$range", `${rangeSeconds}s`), request)),
  );
  const edges = new Map<string, Traffic & { client: string; server: string }>();
  answers.forEach((series, index) => {
    for (const { labels, values } of series) {
      const { client = "", server = "" } = labels;
      if (client === "" && server === "") continue;
      const key = `${client}\n${server}`;
      const edge = edges.get(key) ?? { client, server, calls: 0, failures: 0, seconds: 0 };
      edge[names[index]!] += values[0] ?? 0;
      edges.set(key, edge);
    }
  });
  return serviceGraphFrames([...edges.values()], request.target.refId);
}

function metricsSource({ source, directory }: QueryRequest): DataSource {
  const configured = (source.jsonData?.["serviceMap"] as { datasourceUid?: string } | undefined)?.datasourceUid;
  return directory.resolve(configured === undefined ? { type: "prometheus" } : { uid: configured });
}

async function askInstant(source: DataSource, query: string, request: QueryRequest): Promise<Series[]> {
  const fields = { query, time: String(request.range.toMs / 1_000) };
  const answer = await postForm<{ data: { resultType: string; result: unknown } }>(
    proxyUrl(source, "/api/v1/query"),
    fields,
    request.signal,
  );
  return readSeries(answer.data);
}

/** Grafana's node graph frames: nodes with `mainstat`, `secondarystat` and arcs, edges with `source` and `target`. */
export function serviceGraphFrames(
  edges: readonly (Traffic & { client: string; server: string })[],
  refId: string,
): DataFrame[] {
  if (edges.length === 0) return [];
  const nodes = new Map<string, Traffic>();
  const node = (name: string) => {
    const known = nodes.get(name) ?? { calls: 0, failures: 0, seconds: 0 };
    nodes.set(name, known);
    return known;
  };
  for (const edge of edges) {
    node(edge.client);
    const server = node(edge.server);
    server.calls += edge.calls;
    server.failures += edge.failures;
    server.seconds += edge.seconds;
  }
  const entries = [...nodes];
  const stat = (read: (traffic: Traffic) => number) => entries.map(([, traffic]) => read(traffic));
  const failedShare = (traffic: Traffic) => (traffic.calls === 0 ? 0 : Math.min(1, traffic.failures / traffic.calls));
  const averageMs = (traffic: Traffic) =>
    traffic.calls === 0 ? Number.NaN : (traffic.seconds / traffic.calls) * 1_000;
  return [
    frame(
      refId,
      [
        field(
          "id",
          FieldType.string,
          entries.map(([name]) => name),
        ),
        field(
          "title",
          FieldType.string,
          entries.map(([name]) => name),
        ),
        field("mainstat", FieldType.number, stat(averageMs), { unit: "ms", displayName: "Average response time" }),
        field(
          "secondarystat",
          FieldType.number,
          stat((traffic) => traffic.calls),
          { unit: "reqps", displayName: "Requests per second" },
        ),
        field(
          "arc__success",
          FieldType.number,
          stat((traffic) => 1 - failedShare(traffic)),
          { color: { mode: "fixed", fixedColor: "green" } },
        ),
        field("arc__failed", FieldType.number, stat(failedShare), { color: { mode: "fixed", fixedColor: "red" } }),
      ],
      { name: "Nodes", meta: { preferredVisualisationType: "nodeGraph" } },
    ),
    frame(
      refId,
      [
        field(
          "id",
          FieldType.string,
          edges.map((edge) => `${edge.client}_${edge.server}`),
        ),
        field(
          "source",
          FieldType.string,
          edges.map((edge) => edge.client),
        ),
        field(
          "target",
          FieldType.string,
          edges.map((edge) => edge.server),
        ),
        field("mainstat", FieldType.number, edges.map(averageMs), { unit: "ms", displayName: "Average response time" }),
        field(
          "secondarystat",
          FieldType.number,
          edges.map((edge) => edge.calls),
          { unit: "reqps", displayName: "Requests per second" },
        ),
      ],
      { name: "Edges", meta: { preferredVisualisationType: "nodeGraph" } },
    ),
  ];
}
