import { isAdmin } from "../access/keys.ts";
import type { ClientIdentity, RequestRecord } from "../request-record.ts";
import type { GatewayTelemetry } from "../telemetry/index.ts";

/**
 * The newest model requests, running ones included, for `GET /v1/requests`. A ring in memory: it costs one write per
 * request and forgets at a restart.
 */
export class RecentRequests {
  readonly #ring: (RequestRecord | undefined)[];
  #next = 0;
  /** As many as there are open requests. */
  readonly #running = new Set<RequestRecord>();

  /** @param countMax Requests kept; 0 keeps none. */
  constructor(countMax: number) {
    this.#ring = new Array<RequestRecord | undefined>(countMax).fill(undefined);
  }

  begin(record: RequestRecord): void {
    this.#running.add(record);
  }

  /** Keeps a finished request, whichever process served it. What asked no model is not kept. */
  finish(record: RequestRecord): void {
    this.#running.delete(record);
    if (this.#ring.length === 0 || record.inference === undefined) return;
    this.#ring[this.#next] = record;
    this.#next = (this.#next + 1) % this.#ring.length;
  }

  /** What this client may see, newest first: its own key's requests, or everybody's with the admin key. */
  *seenBy(client: ClientIdentity): Generator<RequestRecord> {
    const admin = isAdmin(client);
    const own = client.keyId ?? client.keyHash; // A renewed key keeps its id.
    const may = ({ client: other }: RequestRecord): boolean => admin || (other?.keyId ?? other?.keyHash) === own;
    for (const record of [...this.#running].reverse()) if (record.inference !== undefined && may(record)) yield record;
    const size = this.#ring.length;
    for (let back = 1; back <= size; back++) {
      const record = this.#ring[(this.#next - back + size) % size];
      if (record === undefined) return;
      if (may(record)) yield record;
    }
  }

  find(client: ClientIdentity, requestId: string): RequestRecord | undefined {
    for (const record of this.seenBy(client)) if (record.requestId === requestId) return record;
    return undefined;
  }
}

/** Telemetry that lets the recent requests see each finished one. */
export function rememberedTelemetry(telemetry: GatewayTelemetry, recent: RecentRequests): GatewayTelemetry {
  return {
    ...telemetry,
    requestFinished(record) {
      recent.finish(record);
      telemetry.requestFinished(record);
      delete record.captured; // It is on its way, and must not stay in memory with the record.
    },
  };
}
