import { counter, gauge, off } from "./metric-spec.ts";

/** The model catalogue's cache and the caches together. */
export const cacheMetrics = {
  catalog_cache_operations_total: counter(
    ["operation", "cache_layer", "result"],
    "Reads of the catalogue's cache.",
    "event catalogLoaded",
  ),
  catalog_cache_hits_total: counter(["gateway"], "Catalogue reads answered from the cache.", "event catalogLoaded"),
  catalog_cache_misses_total: counter(["gateway"], "Catalogue reads that asked the provider.", "event catalogLoaded"),
  catalog_cache_size_bytes: gauge(
    ["gateway"],
    "Size of a provider's cached catalogue.",
    off("the catalogue is held as objects, whose size nobody measures"),
  ),
  catalog_cache_invalidations_total: counter(
    ["gateway", "reason"],
    "Catalogues thrown away before their time.",
    off("catalogues only expire"),
  ),
  cache_hits_total: counter(["cache_name"], "Cache hits: catalog and pricing.", "events catalogLoaded, priceLookup"),
  cache_misses_total: counter(
    ["cache_name"],
    "Cache misses: catalog and pricing.",
    "events catalogLoaded, priceLookup",
  ),
  cache_size_bytes: gauge(
    ["cache_name"],
    "Size of a cache.",
    off("the caches hold objects, whose size nobody measures"),
  ),
} as const;
