import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type MetricObjectWithValues, type MetricValue, Registry } from "prom-client";
import { HealthFamily } from "../health-collector/metrics.ts";
import { askedMetrics } from "./catalogue-asked.ts";
import { billingMetrics } from "./catalogue-billing.ts";
import { businessMetrics } from "./catalogue-business.ts";
import { cacheMetrics } from "./catalogue-caches.ts";
import { genAiMetrics } from "./catalogue-gen-ai.ts";
import { httpMetrics } from "./catalogue-http.ts";
import { inferenceMetrics } from "./catalogue-inference.ts";
import { infrastructureMetrics } from "./catalogue-infrastructure.ts";
import { latencyMetrics } from "./catalogue-latency.ts";
import { limitMetrics } from "./catalogue-limits.ts";
import { ownMetrics } from "./catalogue-own.ts";
import { pricingMetrics } from "./catalogue-pricing.ts";
import { providerMetrics } from "./catalogue-provider.ts";
import { routerMetrics } from "./catalogue-routers.ts";
import type { MetricSpec } from "./metric-spec.ts";
import { undeclared } from "./undeclared.ts";

/** Where everything before the tables ends, and where everything after them begins; both are written by hand. */
const TABLES_BEGIN = "<!-- Tables from here on are written by `npm run docs:metrics`. -->";
const TABLES_END = "<!-- Tables end here. -->";

const GROUPS: readonly (readonly [title: string, metrics: Readonly<Record<string, MetricSpec>>])[] = [
  ["HTTP", httpMetrics],
  ["Inference, tokens, cost", inferenceMetrics],
  ["Billing", billingMetrics],
  ["Latency and streaming", latencyMetrics],
  ["Providers and circuit breakers", providerMetrics],
  ["Limits", limitMetrics],
  ["Caches", cacheMetrics],
  ["API keys and budgets", businessMetrics],
  ["Infrastructure", infrastructureMetrics],
  ["Prices", pricingMetrics],
  ["Smart router", routerMetrics],
  ["OpenTelemetry GenAI", genAiMetrics],
  ["Asked for by dashboards and rules", askedMetrics],
  ["Beyond the interface", ownMetrics],
];

/** Units by the end of the name, the first that fits. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_usd(_total)?$|^credits_used_total$|^api_cost_total$|cost_by_provider$|credit_balance$/, "US dollars"],
  [/_seconds$|_timestamp$/, "seconds"],
  [/_bytes$/, "bytes"],
  [/_hours$/, "hours"],
  [/^stage_percentage$|^provider_health_score$/, "0 to 100"],
  [/_ratio$|_rate$|confidence$|^gatewayz_provider_health_score$/, "ratio"],
  [/^current_rate_limit$/, "requests"],
  [/tokens(_total)?$|token_usage$|estimation_delta$/, "tokens"],
  [/_(up|active|availability|state|current_state|status|info)$|^fastapi_app_info$/, "0 or 1"],
];
/** Names whose end says something else than what they are. */
const UNIT_EXCEPTIONS: Readonly<Record<string, string>> = {
  trial_active: "keys",
  gatewayz_token_efficiency: "output per input token",
  redis_uptime_in_seconds: "seconds",
};

function unitOf(name: string): string {
  return UNIT_EXCEPTIONS[name] ?? UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? "count";
}

/** Source files below `folder` (tests, catalogues and this generator left out) and their text, by path from `root`. */
function sources(root: string, folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of readdirSync(resolve(root, folder), { recursive: true, encoding: "utf8" }).sort()) {
    if (!path.endsWith(".ts") || /\.(test|fuzz)\.ts$|(^|\/)(catalogue|testing|metrics-page)/.test(path)) continue;
    found.set(`${folder}/${path}`, readFileSync(resolve(root, folder, path), "utf8"));
  }
  return found;
}

/** Files that write a metric: those that say its name. */
function writersOf(name: string, files: ReadonlyMap<string, string>): string[] {
  return [...files].filter(([, text]) => text.includes(`"${name}"`)).map(([path]) => path);
}

/**
 * `docs/metrics.md` as it should be: the hand-written text of `page` with the tables of the code between.
 * @param root The repository's folder.
 */
export async function metricsPage(root: string, page: string): Promise<string> {
  const [head, rest] = page.split(TABLES_BEGIN);
  const tail = rest?.split(TABLES_END)[1];
  if (head === undefined || tail === undefined) throw new Error("docs/metrics.md has lost its marks around the tables");
  const files = sources(root, "src/gateway");
  const parts = GROUPS.map(([title, metrics]) => groupTable(title, metrics, files));
  return [
    head,
    TABLES_BEGIN,
    "\n\n",
    [...parts, await healthTable(), undeclaredTable()].join("\n"),
    "\n",
    TABLES_END,
    tail,
  ].join("");
}

function table(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [`## ${title}`, "", line(columns), line(columns.map(() => "---")), ...rows.map(line), ""].join("\n");
}

const list = (items: readonly unknown[] | undefined): string => items?.join(", ") || "-";

function groupTable(
  title: string,
  metrics: Readonly<Record<string, MetricSpec>>,
  files: ReadonlyMap<string, string>,
): string {
  const rows = Object.entries(metrics).map(([name, spec]) => [
    `\`${name}\``,
    spec.type,
    unitOf(name),
    list(spec.labels),
    list(spec.buckets),
    spec.help,
    spec.fedBy,
    list(writersOf(name, files).map((path) => path.replace("src/gateway/", ""))),
  ]);
  return table(title, ["Metric", "Type", "Unit", "Labels", "Buckets", "Meaning", "Fed by", "Written in"], rows);
}

/** The family that mirrors the health service (contract section 2a); it lives in the process's own registry. */
async function healthTable(): Promise<string> {
  const registry = new Registry();
  new HealthFamily(registry);
  const metrics: MetricObjectWithValues<MetricValue<string>>[] = await registry.getMetricsAsJSON();
  const rows = metrics.map(({ name, type, help }) => {
    // Not in prom-client's types, but on every metric.
    const { labelNames } = registry.getSingleMetric(name) as unknown as { labelNames: string[] };
    return [`\`${name}\``, String(type), list(labelNames), help, "health-collector/metrics.ts"];
  });
  return table("Health service, as the gateway sees it", ["Metric", "Type", "Labels", "Meaning", "Written in"], rows);
}

function undeclaredTable(): string {
  const rows = Object.entries(undeclared).map(([name, reason]) => [`\`${name}\``, reason]);
  return table(`Not exported (${rows.length})`, ["Metric", "Why"], rows);
}
