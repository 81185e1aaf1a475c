import { availableParallelism, hostname } from "node:os";
import { getHeapStatistics } from "node:v8";
import type { Config } from "../../config/schema.ts";
import { VERSION } from "../../runtime/version.ts";
import { formatDuration } from "../config/format-duration.ts";
import type { MetricsStore } from "../store/store.ts";
import { goTime } from "./go-time.ts";
import type { Params } from "./params.ts";
import { type ApiResult, json } from "./respond.ts";

/** The Prometheus whose HTTP API this server speaks; clients choose features by this number. */
const PROMETHEUS_VERSION = "3.5.0";
const CARDINALITY_LIMIT = 10;
const CARDINALITY_LIMIT_MAX = 10_000;

/** `/api/v1/status/buildinfo`. */
export function buildInfo(): ApiResult {
  return json({
    version: `${PROMETHEUS_VERSION}+gatewayz.${VERSION}`,
    revision: "",
    branch: "",
    buildUser: "",
    buildDate: "",
    goVersion: `node${process.versions.node}`,
  });
}

interface RuntimeFacts {
  readonly startedMs: number;
  readonly isReloadSuccessful: boolean;
  readonly lastReloadMs: number;
  readonly retentionMs: number;
}

/** `/api/v1/status/runtimeinfo`. */
export function runtimeInfo(facts: RuntimeFacts): Record<string, string | number | boolean> {
  return {
    startTime: goTime(facts.startedMs),
    CWD: process.cwd(),
    hostname: hostname(),
    serverTime: goTime(Date.now()),
    reloadConfigSuccess: facts.isReloadSuccessful,
    lastConfigTime: goTime(facts.lastReloadMs),
    corruptionCount: 0,
    goroutineCount: 0,
    GOMAXPROCS: availableParallelism(),
    GOMEMLIMIT: getHeapStatistics().heap_size_limit,
    GOGC: "",
    GODEBUG: "",
    storageRetention: formatDuration(facts.retentionMs),
  };
}

/** `/api/v1/status/flags`: the settings that Prometheus has as flags. */
export function flags(config: Config, dataDir: string, address: string): ApiResult {
  return json({
    "config.file": config.metrics.configFile ?? "",
    "log.level": config.logLevel,
    "query.lookback-delta": "5m",
    "query.max-samples": "50000000",
    "query.timeout": "2m",
    "storage.tsdb.path": dataDir,
    "storage.tsdb.retention.time": formatDuration(config.metrics.retention),
    "web.enable-admin-api": "false",
    "web.enable-lifecycle": "true",
    "web.enable-remote-write-receiver": "true",
    "web.listen-address": address,
  });
}

/** `/api/v1/status/tsdb`. @throws ApiError */
export function tsdbStatus(store: MetricsStore, params: Params): ApiResult {
  const limit = Math.min(params.limit() || CARDINALITY_LIMIT, CARDINALITY_LIMIT_MAX);
  const { series, chunks, labelPairs, minTimeMs, maxTimeMs } = store.stats;
  return json({
    headStats: {
      numSeries: series,
      numLabelPairs: labelPairs,
      chunkCount: chunks,
      minTime: minTimeMs ?? 0,
      maxTime: maxTimeMs ?? 0,
    },
    ...store.cardinality(limit),
  });
}
