import type { RoleName } from "./roles.ts";
import type { Config } from "./schema.ts";

/**
 * Fills in where peers answer: a role that is started here is reached on loopback, unless a URL was given for it.
 * `otlp` follows traces. A peer that is neither started nor given stays undefined, and its exporter is off.
 */
export function withPeers(config: Config, roles: readonly RoleName[]): Config {
  const here = new Set(roles);
  const local = (role: RoleName, port: number): string | undefined =>
    here.has(role) ? `http://${reachableHost(config.host)}:${port}` : undefined;
  const { ports, peers } = config;
  return {
    ...config,
    peers: {
      gateway: peers.gateway ?? local("gateway", ports.gateway),
      health: peers.health ?? local("health", ports.health),
      metrics: peers.metrics ?? local("metrics", ports.metrics),
      logs: peers.logs ?? local("logs", ports.logs),
      traces: peers.traces ?? local("traces", ports.traces),
      dashboards: peers.dashboards ?? local("dashboards", ports.dashboards),
      otlp: peers.otlp ?? (peers.traces === undefined ? local("traces", ports.otlpHttp) : otlpBeside(peers.traces)),
    },
  };
}

/** Wildcard addresses are reached by loopback; IPv6 literals need brackets in a URL. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** Tempo's OTLP/HTTP receiver on the host of its query API, on the port that OTLP defines. */
function otlpBeside(tracesUrl: string): string {
  const url = new URL(tracesUrl);
  url.port = "4318";
  return url.origin;
}
