import type { JsonObject } from "../json.ts";
import { STORED_RESPONSE_CHARS_MAX, STORED_RESPONSES_MAX } from "../limits.ts";

export interface StoredResponse {
  /** As its client got it. */
  readonly response: JsonObject;
  /** Everything before the answer: this request's input behind that of the responses that it continued. */
  readonly input: readonly JsonObject[];
  /** The answer's items, with all that a continuation needs. */
  readonly output: readonly JsonObject[];
  /** The provider that keeps it, too, and can continue it by its id. */
  readonly keptBy?: string | undefined;
}

/** An item of an answer that is kept. */
export interface StoredItem {
  readonly item: JsonObject;
  readonly keptBy: string | undefined;
  /** Whether it was made with another key: then it must not be shown. */
  readonly others: boolean;
}

/**
 * Responses that may be continued by `previous_response_id`: in memory, the oldest go first, each readable with the key
 * that made it only.
 */
export class ResponseStore {
  readonly #entries = new Map<string, StoredResponse & { readonly keyName: string; readonly chars: number }>();
  /** Id of an item of an answer → its response; clients refer to items by `item_reference`. */
  readonly #responseOfItem = new Map<string, string>();
  #chars = 0;
  /** Told of each change that was asked of this store, for other processes of this gateway; undefined is a deletion. */
  onChange: (keyName: string, id: string, stored: StoredResponse | undefined) => void = () => undefined;

  put(keyName: string, id: string, stored: StoredResponse): void {
    this.onChange(keyName, id, stored);
    const chars = JSON.stringify(stored).length;
    this.#remove(id);
    if (chars > STORED_RESPONSE_CHARS_MAX) return;
    this.#entries.set(id, { ...stored, keyName, chars });
    this.#chars += chars;
    for (const itemId of itemIds(stored)) this.#responseOfItem.set(itemId, id);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= STORED_RESPONSES_MAX && this.#chars <= STORED_RESPONSE_CHARS_MAX) break;
      this.#remove(oldest);
    }
  }

  get(keyName: string, id: string): StoredResponse | undefined {
    const entry = this.#entries.get(id);
    return entry?.keyName === keyName ? entry : undefined;
  }

  /** The item of an answer with this id, whosever it is. */
  item(keyName: string, itemId: string): StoredItem | undefined {
    const entry = this.#entries.get(this.#responseOfItem.get(itemId) ?? "");
    const item = entry?.output.find(({ id }) => id === itemId);
    if (entry === undefined || item === undefined) return undefined;
    return { item, keptBy: entry.keptBy, others: entry.keyName !== keyName };
  }

  /** Whether it was made with another key. */
  isOthers(keyName: string, id: string): boolean {
    const entry = this.#entries.get(id);
    return entry !== undefined && entry.keyName !== keyName;
  }

  /** @returns whether it was there. */
  delete(keyName: string, id: string): boolean {
    if (this.get(keyName, id) === undefined) return false;
    this.onChange(keyName, id, undefined);
    return this.#remove(id);
  }

  #remove(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#chars -= entry.chars;
    for (const itemId of itemIds(entry)) {
      if (this.#responseOfItem.get(itemId) === id) this.#responseOfItem.delete(itemId);
    }
    return this.#entries.delete(id);
  }
}

function itemIds({ output }: StoredResponse): string[] {
  return output.flatMap(({ id }) => (typeof id === "string" ? [id] : []));
}
