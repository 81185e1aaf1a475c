import { counter, gauge, sharedGauge } from "./metric-spec.ts";

/** The providers' model lists as they are cached, and all caches together. */
export const cacheMetrics = {
  catalog_cache_operations_total: counter(
    ["operation", "cache_layer", "result"],
    "Reads of the cached model lists.",
    "event catalogLoaded",
  ),
  catalog_cache_hits_total: counter(["gateway"], "Model lists answered from the cache.", "event catalogLoaded"),
  catalog_cache_misses_total: counter(
    ["gateway"],
    "Model lists that had to be asked of the provider.",
    "event catalogLoaded",
  ),
  catalog_cache_size_bytes: gauge(
    ["gateway"],
    "Size of a provider's cached model list: the bytes of its ids.",
    "event catalogLoaded",
  ),
  catalog_cache_invalidations_total: counter(
    ["gateway", "reason"],
    "Model lists thrown away before their time.",
    "event catalogInvalidated",
  ),
  cache_hits_total: counter(
    ["cache_name"],
    "Cache hits.",
    "events cacheLookup, catalogLoaded (catalog) and priceLookup (pricing)",
  ),
  cache_misses_total: counter(
    ["cache_name"],
    "Cache misses.",
    "events cacheLookup, catalogLoaded (catalog) and priceLookup (pricing)",
  ),
  cache_size_bytes: sharedGauge(["cache_name"], "Size of a cache.", "event cacheSize"),
} as const;
