import type { ClientIdentity, RequestRecord } from "../request-record.ts";

/**
 * The newest model requests, running ones included, for `GET /v1/requests`. A ring in memory: it costs one write per
 * request and forgets at a restart.
 */
export class RecentRequests {
  readonly #ring: (RequestRecord | undefined)[];
  #next = 0;

  /** @param countMax Requests kept; 0 keeps none. */
  constructor(countMax: number) {
    this.#ring = new Array<RequestRecord | undefined>(countMax).fill(undefined);
  }

  add(record: RequestRecord): void {
    if (this.#ring.length === 0) return;
    this.#ring[this.#next] = record;
    this.#next = (this.#next + 1) % this.#ring.length;
  }

  /** What this client may see, newest first: its own key's requests, or everybody's with the admin key. */
  *seenBy(client: ClientIdentity): Generator<RequestRecord> {
    const admin = client.keyName === "admin";
    const size = this.#ring.length;
    for (let back = 1; back <= size; back++) {
      const record = this.#ring[(this.#next - back + size) % size];
      if (record === undefined) return;
      if (admin || record.client?.keyHash === client.keyHash) yield record;
    }
  }

  find(client: ClientIdentity, requestId: string): RequestRecord | undefined {
    for (const record of this.seenBy(client)) if (record.requestId === requestId) return record;
    return undefined;
  }
}
