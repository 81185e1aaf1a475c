import type { IncomingHttpHeaders } from "node:http";
import type { Config } from "../../config/schema.ts";
import type { CachedAnswer } from "../cache/cached-answer.ts";
import type { JsonObject } from "../json.ts";
import type { CapturedContent, RequestRecord } from "../request-record.ts";
import type { Dialogue } from "../translation/dialogue.ts";

/** What looks into one request's content on its way: hooks, cache, capture. Made only where one of them wants to. */
export interface Passage {
  /**
   * The body after the hooks before it.
   * @throws GatewayError CONTENT_POLICY_VIOLATION, HOOK_REFUSED, HOOK_FAILED.
   */
  before(body: JsonObject): Promise<JsonObject>;
  /** The dialogue, watched as far as somebody wants to see the answer. */
  watch(dialogue: Dialogue): Dialogue;
  /** An answer from the cache; undefined when a provider must be asked. Fills `replyHeaders` and the record. */
  cached(body: JsonObject): Promise<CachedAnswer | undefined>;
  /** `x-cache` and the like. */
  readonly replyHeaders: Readonly<Record<string, string>>;
  /** The exchange is over and the record complete. Stores and hands on; never throws, nobody waits for it. */
  finish(): void;
}

/** Decides who gets a passage; one for the gateway. */
export interface ContentPath {
  /** Undefined where nothing wants to see this request; costs a few comparisons then. */
  enter(record: RequestRecord, headers: IncomingHttpHeaders): Passage | undefined;
  /** Rejects where a hook cannot be loaded; awaited before a gateway listens. */
  readonly ready: Promise<void>;
  /** The configuration has changed: there may be new keys that must not be kept. */
  configured(config: Config): void;
  /**
   * What was captured of a request, while it is kept.
   * @param keyHash Of the key whose request it must be; undefined for the administrator.
   * @throws DatabaseError.
   */
  captured(requestId: string, keyHash: string | undefined): Promise<CapturedContent | undefined>;
  /** Deletes what was captured of a request; true where there was something. @throws DatabaseError. */
  forget(requestId: string, keyHash: string | undefined): Promise<boolean>;
  /** Writes what waits to be written. */
  close(): Promise<void>;
}
