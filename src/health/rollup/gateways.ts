import type { GatewayHealth } from "./rollup.ts";

/** A gateway of the list: one that is watched, or one that could be. */
export interface ListedGateway {
  readonly gateway: string;
  readonly status: "healthy" | "unhealthy" | "unconfigured" | "pending";
  readonly tracked: boolean;
  readonly configured: boolean;
  readonly total_models: number;
  readonly healthy_models: number;
}

/**
 * All gateways (contract section 3c): a watched one is healthy when one of its providers is online. Of the others, one
 * without a key is unconfigured; one with a key is healthy when the gateway lists models of it (of a kind that is not
 * probed, such as embeddings), and pending until then.
 * @param known Names of all that could be configured.
 * @param configured Names that have a key or an address.
 * @param listed Names of which the gateway lists any model.
 */
export function listGateways(
  tracked: readonly GatewayHealth[],
  known: Iterable<string>,
  configured: ReadonlySet<string>,
  listed: ReadonlySet<string>,
): ListedGateway[] {
  const gateways: ListedGateway[] = tracked.map(({ gateway, healthy, total_models, healthy_models }) => ({
    gateway,
    status: healthy ? "healthy" : "unhealthy",
    tracked: true,
    configured: true,
    total_models,
    healthy_models,
  }));
  const seen = new Set(gateways.map(({ gateway }) => gateway));
  for (const gateway of new Set([...known, ...configured, ...listed])) {
    if (seen.has(gateway)) continue;
    const isConfigured = configured.has(gateway) || listed.has(gateway);
    gateways.push({
      gateway,
      status: listed.has(gateway) ? "healthy" : isConfigured ? "pending" : "unconfigured",
      tracked: false,
      configured: isConfigured,
      total_models: 0,
      healthy_models: 0,
    });
  }
  return gateways.sort((a, b) => (a.gateway < b.gateway ? -1 : 1));
}
