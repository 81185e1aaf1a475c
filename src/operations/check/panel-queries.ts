/** A panel of a Grafana dashboard with the data source proxy paths that fetch its data. */
export interface PanelQueries {
  readonly title: string;
  readonly paths: readonly string[];
}

interface Panel {
  title?: string;
  type?: string;
  datasource?: unknown;
  panels?: Panel[];
  targets?: { expr?: string; query?: string; datasource?: unknown; hide?: boolean }[];
}

const RANGE_SECONDS = 900;
const DEFAULT_UID = "grafana_prometheus";

/** Built-in variables with values that suit a range of 15 minutes. */
const BUILT_IN: Readonly<Record<string, string>> = {
  __rate_interval: "1m",
  __interval: "15s",
  __interval_ms: "15000",
  __auto: "1m",
  __range: "15m",
  __range_s: String(RANGE_SECONDS),
  __range_ms: String(RANGE_SECONDS * 1000),
};

interface Variable {
  name: string;
  type?: string;
  allValue?: string;
  current?: { value?: unknown };
}

/** Every panel that asks a data source, folded rows included; variables have the values a person first sees. */
export function panelQueries(dashboard: Readonly<Record<string, unknown>>): PanelQueries[] {
  const values = variableValues((dashboard["templating"] as { list?: Variable[] } | undefined)?.list ?? []);
  return flatten((dashboard["panels"] as Panel[] | undefined) ?? []).flatMap((panel) => {
    const paths = (panel.targets ?? [])
      .filter((target) => target.hide !== true)
      .flatMap(
        (target) =>
          pathOf(
            uidOf(target.datasource) ?? uidOf(panel.datasource) ?? DEFAULT_UID,
            target.expr ?? target.query,
            values,
          ) ?? [],
      );
    return paths.length === 0 ? [] : [{ title: panel.title ?? "", paths }];
  });
}

function flatten(panels: readonly Panel[]): Panel[] {
  return panels.flatMap((panel) => [panel, ...flatten(panel.panels ?? [])]);
}

function uidOf(reference: unknown): string | undefined {
  if (typeof reference === "string") return reference;
  return (reference as { uid?: string } | null | undefined)?.uid;
}

function pathOf(uid: string, query: string | undefined, values: ReadonlyMap<string, string>): string | undefined {
  if (query === undefined || query === "") return undefined;
  const text = encodeURIComponent(substitute(query, values));
  const now = Math.floor(Date.now() / 1000);
  const base = `/api/datasources/proxy/uid/${encodeURIComponent(uid)}`;
  if (uid === "grafana_tempo") {
    const range = `&start=${now - RANGE_SECONDS}&end=${now}`;
    // A pipeline that ends in a function of time is a metrics query; Tempo answers it at another address.
    return /\|\s*(rate|count_over_time|\w+_over_time|compare)\s*\(/.test(query)
      ? `${base}/api/metrics/query_range?q=${text}${range}&step=15s`
      : `${base}/api/search?q=${text}${range}&limit=5`;
  }
  if (uid === "grafana_loki")
    return `${base}/loki/api/v1/query_range?query=${text}&start=${now - RANGE_SECONDS}&end=${now}&limit=5&step=15`;
  return `${base}/api/v1/query?query=${text}`;
}

/** A variable that asks a data source, or that shows "All", matches everything; others have the value they are saved with. */
function variableValues(variables: readonly Variable[]): Map<string, string> {
  return new Map(
    variables.map(({ name, type, allValue, current }) => {
      const value = Array.isArray(current?.value) ? current.value.join("|") : String(current?.value ?? "");
      const matchesAll = type === "query" || value.includes("$__all");
      return [name, matchesAll ? (allValue ?? ".*") : value];
    }),
  );
}

function substitute(query: string, values: ReadonlyMap<string, string>): string {
  return query.replace(/\$\{(\w+)(?::[^}]*)?\}|\$(\w+)/g, (_, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? "";
    return BUILT_IN[name] ?? values.get(name) ?? ".*";
  });
}
