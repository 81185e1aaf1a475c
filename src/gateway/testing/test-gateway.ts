import type { ConfigInput } from "../../config/schema.ts";
import { listen } from "../../runtime/http-server.ts";
import { TEST_ADMIN_KEY, testContext } from "../../runtime/testing.ts";
import { assembleGateway, createProviders } from "../assemble.ts";
import type { Gateway } from "../gateway.ts";
import type { GatewayEvents, RequestRecord } from "../request-record.ts";
import { createGatewayServer } from "../server.ts";
import type { GatewayTelemetry } from "../telemetry/index.ts";

type RecordedEvent = { [Name in keyof GatewayEvents]: { name: Name } & GatewayEvents[Name] }[keyof GatewayEvents];

/** A telemetry that only remembers. */
export function recordingTelemetry(): GatewayTelemetry & { records: RequestRecord[]; events: RecordedEvent[] } {
  const records: RequestRecord[] = [];
  const events: RecordedEvent[] = [];
  return {
    records,
    events,
    requestStarted: () => undefined,
    requestFinished: (record) => void records.push(record),
    event: (name, detail) => void events.push({ name, ...detail } as unknown as RecordedEvent),
    observe: () => undefined,
    metrics: async () => ({ contentType: "text/plain", body: "metrics" }),
    dataMetrics: () => ({ contentType: "text/plain", body: "data" }),
    close: async () => undefined,
  };
}

export interface TestGateway {
  readonly url: string;
  readonly gateway: Gateway;
  readonly records: RequestRecord[];
  readonly events: RecordedEvent[];
  /** Headers of a JSON request with the admin key. */
  readonly headers: Readonly<Record<string, string>>;
  /** GETs with the admin key unless `headers` say otherwise. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** POSTs JSON with the admin key. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The record of the request that finishes next, or that has already, in order. */
  nextRecord(): Promise<RequestRecord>;
  close(): Promise<void>;
}

/** The gateway's HTTP server with recorded telemetry, without simulator, demo and collector. */
export async function startTestGateway(overrides: ConfigInput): Promise<TestGateway> {
  // Tests count calls: those that are about retries switch them on.
  const settings = { retries: { max: 0 }, ...overrides.gateway };
  const context = await testContext("gateway", { mode: "live", ...overrides, gateway: settings });
  const telemetry = recordingTelemetry();
  const providers = createProviders(context, undefined);
  const gateway = assembleGateway(context, providers, telemetry, "", () => undefined);
  await gateway.keySync.start();
  const app = createGatewayServer(gateway);
  const url = await listen(app, "127.0.0.1", 0);
  const adminHeaders = { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" };
  let read = 0;
  return {
    url,
    gateway,
    headers: adminHeaders,
    get: (path, headers = {}) => fetch(`${url}${path}`, { headers: { ...adminHeaders, ...headers } }),
    records: telemetry.records,
    events: telemetry.events,
    post: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: "POST",
        headers: { ...adminHeaders, ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    async nextRecord() {
      const deadline = Date.now() + 5_000;
      while (telemetry.records.length <= read) {
        if (Date.now() > deadline) throw new Error("no request finished within 5 s");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return telemetry.records[read++]!;
    },
    async close() {
      app.server.closeAllConnections();
      await app.close();
      await gateway.routing.close();
      gateway.keySync.close();
      gateway.settings.close();
      gateway.live.close();
      await gateway.database.close();
      for (const { pool } of providers.values()) await pool.destroy();
      await context.dispose();
    },
  };
}
