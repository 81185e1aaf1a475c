import { getJson, isAbort, postForm } from "../api/client.ts";
import { type DataSourceDirectory, proxyUrl } from "../api/data-sources.ts";
import type { DataSource } from "../api/types.ts";

/** One part of the installation and whether it answers. */
export interface Service {
  name: string;
  state: "up" | "down" | "unknown";
  detail: string;
}

interface Target {
  labels: Record<string, string>;
  health: string;
  scrapeUrl: string;
  lastError?: string;
}

/** Cheap questions that each engine answers when it is well. */
const PROBES: Record<string, string> = {
  prometheus: "/api/v1/query?query=1",
  loki: "/loki/api/v1/labels",
  tempo: "/api/echo",
};

/**
 * The engines by asking them, and what they scrape by the scrape targets' own health. Two sources at one address are
 * one service.
 */
export async function loadServices(directory: DataSourceDirectory, signal: AbortSignal): Promise<Service[]> {
  const engines = ["prometheus", "loki", "tempo"].flatMap((type) => directory.ofType(type) ?? []);
  const [targets, ...answers] = await Promise.all([
    loadTargets(directory, signal),
    ...engines.map((source) => probe(source, signal)),
  ]);
  return [...targets, ...answers];
}

async function probe(source: DataSource, signal: AbortSignal): Promise<Service> {
  const names: Record<string, string> = { prometheus: "Metrics", loki: "Logs", tempo: "Traces" };
  const name = names[source.type] ?? source.name;
  try {
    const path = PROBES[source.type]!;
    const response = await fetch(proxyUrl(source, path), { credentials: "same-origin", signal });
    return { name, state: response.status < 500 ? "up" : "down", detail: `${source.name} answered ${response.status}` };
  } catch (error) {
    if (isAbort(error)) throw error;
    return { name, state: "down", detail: `${source.name} does not answer` };
  }
}

async function loadTargets(directory: DataSourceDirectory, signal: AbortSignal): Promise<Service[]> {
  const source = directory.ofType("prometheus");
  if (source === undefined) return [];
  try {
    const answer = await getJson<{ data?: { activeTargets?: Target[] } }>(
      proxyUrl(source, "/api/v1/targets?state=active"),
      signal,
    );
    const gateway = (answer.data?.activeTargets ?? []).find((target) => target.labels["job"] === "gatewayz_staging");
    const services: Service[] =
      gateway === undefined
        ? []
        : [{ name: "Gateway", state: stateOf(gateway.health), detail: gateway.lastError || gateway.scrapeUrl }];
    const health = await postForm<{ data: { result: { value: [number, string] }[] } }>(
      proxyUrl(source, "/api/v1/query"),
      { query: "max(gatewayz_health_service_up)" },
      signal,
    );
    const value = health.data.result[0]?.value[1];
    services.push({
      name: "Health",
      state: value === undefined ? "unknown" : value === "1" ? "up" : "down",
      detail: "gatewayz_health_service_up",
    });
    return services;
  } catch (error) {
    if (isAbort(error)) throw error;
    // The metrics engine's own probe says what is wrong.
    return [{ name: "Gateway", state: "unknown", detail: "The metrics service does not say" }];
  }
}

function stateOf(health: string): Service["state"] {
  return health === "up" ? "up" : health === "down" ? "down" : "unknown";
}
