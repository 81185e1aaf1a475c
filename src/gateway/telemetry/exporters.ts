import type { RoleContext } from "../../runtime/role.ts";
import { VERSION } from "../../runtime/version.ts";
import type { GatewayEvents, RequestRecord } from "../request-record.ts";
import { eventLine } from "./event-lines.ts";
import { type HealthResult, healthResults } from "./health-results.ts";
import type { LogLine } from "./log-line.ts";
import { LokiEncoder, type QueuedLine } from "./loki-body.ts";
import type { MetricSet } from "./metric-set.ts";
import { OtlpEncoder } from "./otlp-spans.ts";
import { PushClient } from "./push-client.ts";
import { PushQueue } from "./push-queue.ts";
import { createRedact } from "./redact.ts";
import { requestLines } from "./request-lines.ts";
import { RequestSpans } from "./request-spans.ts";

/** Contract sections 7 and 8. */
const LOG_LINES_MAX = 10_000;
const LOG_BATCH_LINES_MAX = 500;
/** An entry is one request's spans, mostly five of them. */
const SPAN_ENTRIES_MAX = 1_024;
const SPAN_BATCH_MAX = 128;
const HEALTH_RESULTS_MAX = 5_000;
const HEALTH_BATCH_MAX = 200;
/** Each push is a database transaction of the health service, so they are few. */
const HEALTH_FLUSH_DELAY_MS = 1_000;
/** Liveness is asked every few seconds by whoever runs the gateway; it is counted, but neither logged nor traced. */
const QUIET_ROUTES = new Set(["/", "/health", "/health/quick", "/ready"]);
const SERVICE_NAME = "gatewayz-api";
const TRACER_NAME = "gatewayz.ai";

/** What leaves the gateway for logs, traces and health; a peer without an address has no queue and costs nothing. */
export class Exporters {
  readonly #client = new PushClient();
  readonly #redact: (text: string) => string;
  readonly #loki: LokiEncoder;
  readonly #otlp: OtlpEncoder;
  readonly #spans: RequestSpans;
  readonly #logQueue: PushQueue<QueuedLine> | undefined;
  readonly #spanQueue: PushQueue<Buffer> | undefined;
  readonly #healthQueue: PushQueue<HealthResult> | undefined;

  constructor({ config }: RoleContext, set: MetricSet) {
    const { peers, engineKey, adminApiKey } = config;
    const { environment } = config.gateway;
    const client = this.#client;
    this.#redact = createRedact(config);
    this.#loki = new LokiEncoder(environment);
    this.#otlp = new OtlpEncoder({
      attributes: {
        "service.name": SERVICE_NAME,
        "service.version": VERSION,
        "service.namespace": "gatewayz",
        "deployment.environment": environment,
        "deployment.environment.name": environment,
        "telemetry.sdk.name": "gatewayz",
        "telemetry.sdk.language": "nodejs",
        "telemetry.sdk.version": VERSION,
      },
      scope: { name: TRACER_NAME, version: VERSION },
    });
    const { genAi } = config.gateway.telemetry;
    this.#spans = new RequestSpans(this.#redact, { any: genAi.length > 0, system: genAi.includes("v1.36") });
    this.#logQueue =
      peers.logs === undefined
        ? undefined
        : new PushQueue({
            name: "logs",
            entriesMax: LOG_LINES_MAX,
            batchMax: LOG_BATCH_LINES_MAX,
            set,
            send: (batch) =>
              client.post(`${peers.logs}/loki/api/v1/push`, "application/json", this.#loki.body(batch), engineKey),
          });
    this.#spanQueue =
      peers.otlp === undefined
        ? undefined
        : new PushQueue({
            name: "spans",
            entriesMax: SPAN_ENTRIES_MAX,
            batchMax: SPAN_BATCH_MAX,
            set,
            send: (batch) =>
              client.post(`${peers.otlp}/v1/traces`, "application/x-protobuf", this.#otlp.request(batch), engineKey),
          });
    this.#healthQueue =
      peers.health === undefined
        ? undefined
        : new PushQueue({
            name: "health_results",
            entriesMax: HEALTH_RESULTS_MAX,
            batchMax: HEALTH_BATCH_MAX,
            flushDelayMs: HEALTH_FLUSH_DELAY_MS,
            set,
            send: (batch) =>
              client.post(`${peers.health}/internal/results`, "application/json", JSON.stringify(batch), adminApiKey),
          });
  }

  requestFinished(record: RequestRecord, sampled: boolean): void {
    if (QUIET_ROUTES.has(record.route)) return;
    if (this.#logQueue !== undefined) for (const line of requestLines(record, this.#redact)) this.#log(line);
    if (this.#spanQueue !== undefined && sampled) {
      this.#spanQueue.push(this.#otlp.spans(this.#spans.spansOf(record)));
    }
    if (this.#healthQueue !== undefined) {
      for (const result of healthResults(record, this.#redact)) this.#healthQueue.push(result);
    }
  }

  event<Name extends keyof GatewayEvents>(name: Name, detail: GatewayEvents[Name]): void {
    if (this.#logQueue === undefined) return;
    const line = eventLine(name, detail, Date.now());
    if (line !== undefined) this.#log(line);
  }

  #log(line: LogLine): void {
    this.#logQueue!.push(this.#loki.queued(line));
  }

  async close(): Promise<void> {
    await Promise.all([this.#logQueue?.close(), this.#spanQueue?.close(), this.#healthQueue?.close()]);
    await this.#client.close();
  }
}
