import * as z from "zod";
import { accessFields } from "./access.ts";
import { cache } from "./cache.ts";
import { database, redis } from "./database.ts";
import { duration } from "./duration.ts";
import { health } from "./health.ts";
import { prices } from "./prices.ts";
import { providerSchema } from "./provider-schema.ts";
import { routingFields } from "./routing.ts";
import { safety } from "./safety.ts";
import { telemetry } from "./telemetry.ts";

/** A size such as `512MB` or `10GB` (powers of 1,024, as Prometheus reads them), or a share of the volume such as `80%`. */
const size = z.union([
  z.string().regex(/^\d+(\.\d+)?\s*([KMGT]i?B|B|%)$/i, "write a size like 512MB, 10GB or 80%"),
  z.number().int().nonnegative(),
]);

const port = z.coerce.number().int().min(0).max(65_535);
const url = z
  .string()
  .regex(/^https?:\/\//, "must start with http:// or https://")
  .transform((text) => text.replace(/\/+$/, ""));

const gateway = z.strictObject({
  providers: z.record(z.string(), providerSchema).default({}),
  ...accessFields,
  bodyBytesMax: z
    .number()
    .int()
    .positive()
    .default(20 * 1024 * 1024), // 20 MiB
  concurrency: z
    .strictObject({
      active: z.number().int().positive().default(20),
      queued: z.number().int().nonnegative().default(50),
      queueWait: duration.prefault("10s"),
    })
    .prefault({}),
  ...routingFields,
  cache: cache.prefault({}),
  safety: safety.prefault({}),
  prices: prices.prefault({}),
  /** Processes that answer clients. One is enough up to some thousand requests a second. */
  workers: z.number().int().min(1).max(64).default(1),
  collectorInterval: duration.prefault("30s"),
  collectorTimeout: duration.prefault("10s"),
  /** Share of requests whose spans are exported, 0 to 1. */
  traceSampleRatio: z.number().min(0).max(1).default(1),
  environment: z.string().default("development"),
  telemetry: telemetry.prefault({}),
});

export const configSchema = z.strictObject({
  /** `demo` answers with the built-in simulator; `live` needs a provider. Unset: demo on loopback without a provider. */
  mode: z.enum(["demo", "live"]).optional(),
  host: z.string().min(1).default("127.0.0.1"),
  dataDir: z.string().min(1).default("./data"),
  /** One cap for all stores together, WAL included. */
  dataSizeMax: size.default("80%"),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
  ports: z
    .strictObject({
      gateway: port.default(8000),
      health: port.default(8001),
      metrics: port.default(9090),
      logs: port.default(3100),
      traces: port.default(3200),
      otlpGrpc: port.default(4317),
      otlpHttp: port.default(4318),
      dashboards: port.default(3000),
    })
    .prefault({}),
  /** Where peers answer; a peer that is neither started here nor named has its exporter off. */
  peers: z
    .strictObject({
      gateway: url.optional(),
      health: url.optional(),
      metrics: url.optional(),
      logs: url.optional(),
      traces: url.optional(),
      /** Only scraped. */
      dashboards: url.optional(),
      /** OTLP/HTTP receiver (`/v1/traces` is appended). */
      otlp: url.optional(),
    })
    .prefault({}),
  database: database.prefault({}),
  redis: redis.prefault({}),
  /** Client key for everything; generated on the first start when unset. */
  adminApiKey: z.string().min(8).optional(),
  /** Key that metrics, logs and traces ask for when bound beyond loopback. */
  engineKey: z.string().min(8).optional(),
  demo: z
    .strictObject({
      enabled: z.boolean().default(true),
      requestsPerSecond: z.number().positive().max(50).default(3),
    })
    .prefault({}),
  gateway: gateway.prefault({}),
  health: health.prefault({}),
  metrics: z
    .strictObject({
      /** A Prometheus configuration file; unset uses the shipped one. */
      configFile: z.string().optional(),
      retention: duration.prefault("15d"),
    })
    .prefault({}),
  logs: z.strictObject({ retention: duration.prefault("15d") }).prefault({}),
  traces: z.strictObject({ retention: duration.prefault("15d") }).prefault({}),
  dashboards: z
    .strictObject({
      password: z.string().min(1).optional(),
      /** Folders with provisioned dashboards (`*.json`), watched; relative to the working directory. */
      dashboardFolders: z.array(z.string()).default(["./dashboards"]),
      /** Grafana's provisioning folder (`datasources/*.yaml`, `dashboards/*.yaml`). */
      provisioningDir: z.string().optional(),
    })
    .prefault({}),
});

/** As written by a person: everything optional. */
export type ConfigInput = z.input<typeof configSchema>;
type Parsed = z.output<typeof configSchema>;

/** The effective configuration: defaults filled in, mode decided, secrets present. Plain JSON, so it crosses to a child. */
export interface Config extends Parsed {
  readonly mode: "demo" | "live";
  readonly adminApiKey: string;
  /** Password of the dashboards' user `admin`. */
  readonly dashboards: Parsed["dashboards"] & { readonly password: string };
  /** Byte value of `dataSizeMax` on this volume. */
  readonly dataBytesMax: number;
  /** Where this installation's read-only files (dashboards/, rules/, web UI) are. */
  readonly installDir: string;
  /** The file that it was read from; absent where there was none. */
  readonly configFile?: string;
}
