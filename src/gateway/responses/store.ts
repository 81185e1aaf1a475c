import type { JsonObject } from "../json.ts";
import { STORED_RESPONSE_CHARS_MAX, STORED_RESPONSES_MAX } from "../limits.ts";

export interface StoredResponse {
  readonly response: JsonObject;
  /** The chat up to and including this response, without instructions. */
  readonly messages: readonly JsonObject[];
}

/**
 * Responses that may be continued by `previous_response_id`: in memory, the oldest go first, each readable with the key
 * that made it only.
 */
export class ResponseStore {
  readonly #entries = new Map<string, StoredResponse & { readonly keyName: string; readonly chars: number }>();
  #chars = 0;

  put(keyName: string, id: string, stored: StoredResponse): void {
    const chars = JSON.stringify(stored).length;
    if (chars > STORED_RESPONSE_CHARS_MAX) return;
    this.#entries.set(id, { ...stored, keyName, chars });
    this.#chars += chars;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= STORED_RESPONSES_MAX && this.#chars <= STORED_RESPONSE_CHARS_MAX) break;
      this.#remove(oldest);
    }
  }

  get(keyName: string, id: string): StoredResponse | undefined {
    const entry = this.#entries.get(id);
    return entry?.keyName === keyName ? entry : undefined;
  }

  /** @returns whether it was there. */
  delete(keyName: string, id: string): boolean {
    return this.get(keyName, id) !== undefined && this.#remove(id);
  }

  #remove(id: string): boolean {
    this.#chars -= this.#entries.get(id)?.chars ?? 0;
    return this.#entries.delete(id);
  }
}
