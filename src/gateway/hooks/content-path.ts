import type { IncomingHttpHeaders } from "node:http";
import type { Config } from "../../config/schema.ts";
import type { Database } from "../../database/database.ts";
import type { Logger } from "../../runtime/logger.ts";
import { cacheUse, includesKey } from "../cache/cache-control.ts";
import type { ResponseCache } from "../cache/response-cache.ts";
import type { CapturedContent, RequestRecord, Telemetry } from "../request-record.ts";
import { Capture } from "../safety/capture.ts";
import { CaptureStore } from "../safety/capture-store.ts";
import { Redactor } from "../safety/redactor.ts";
import { ContentPassage } from "./content-passage.ts";
import { loadHooks } from "./load-hooks.ts";
import type { ContentPath, Passage } from "./passage.ts";
import { HookRunner } from "./run-hooks.ts";

export interface ContentOptions {
  readonly config: Config;
  readonly cache: ResponseCache;
  readonly database: Database;
  readonly telemetry: Pick<Telemetry, "event">;
  readonly logger: Logger;
}

/** Hooks, cache and capture of one gateway: decides which requests they see. */
export class Content implements ContentPath {
  /** Resolves when all hooks are loaded. @throws HookLoadError. */
  readonly ready: Promise<void>;
  readonly #config: Config["gateway"];
  readonly #cache: ResponseCache;
  readonly #redactor: Redactor | undefined;
  readonly #store: CaptureStore | undefined;
  readonly #capture: Capture | undefined;
  readonly #runner: Promise<HookRunner> | undefined;

  /** @throws RegexError where a pattern of the configuration is none. */
  constructor({ config, cache, database, telemetry, logger }: ContentOptions) {
    this.#config = config.gateway;
    this.#cache = cache;
    const { hooks, capture, redaction } = config.gateway.safety;
    const needed = hooks.length > 0 || capture.enabled;
    const redactor = needed ? new Redactor({ rules: redaction, secrets: secretsOf(config) }) : undefined;
    this.#redactor = redactor;
    if (redactor !== undefined && capture.enabled) {
      const { retention: retentionMs, bytesMax } = capture;
      if (capture.store) this.#store = new CaptureStore({ database, retentionMs, bytesMax, logger });
      this.#capture = new Capture(capture, redactor, this.#store);
    }
    if (redactor !== undefined && hooks.length > 0) {
      this.#runner = loadHooks(hooks, redactor).then((loaded) => new HookRunner(loaded, telemetry, logger));
    }
    this.ready = Promise.resolve(this.#runner).then(() => undefined);
    this.ready.catch(() => undefined); // Whoever awaits it hears of it; so does every request.
  }

  enter(record: RequestRecord, headers: IncomingHttpHeaders): Passage | undefined {
    const use = cacheUse(this.#config.cache, record, headers);
    const capture = this.#capture?.wants(record) ? this.#capture : undefined;
    const runner = this.#hooksSee(record) ? this.#runner : undefined;
    if (use === undefined && capture === undefined && runner === undefined) return undefined;
    return new ContentPassage({
      record,
      headers,
      cache: this.#cache,
      aliases: this.#config.aliases,
      use,
      capture,
      runner,
    });
  }

  configured(config: Config): void {
    this.#redactor?.know(secretsOf(config));
  }

  async captured(requestId: string, keyHash: string | undefined): Promise<CapturedContent | undefined> {
    return this.#store?.read(requestId, keyHash);
  }

  async forget(requestId: string, keyHash: string | undefined): Promise<boolean> {
    return (await this.#store?.forget(requestId, keyHash)) === true;
  }

  async close(): Promise<void> {
    await this.#store?.close();
  }

  #hooksSee({ client, probe }: RequestRecord): boolean {
    if (this.#runner === undefined || probe) return false;
    return this.#config.safety.hooks.some(({ keys }) => includesKey(keys, client?.keyName ?? ""));
  }
}

/** What must never be kept, by its value. */
function secretsOf(config: Config): (string | undefined)[] {
  const { providers, keys } = config.gateway;
  return [
    config.adminApiKey,
    config.engineKey,
    config.dashboards.password,
    ...Object.values(keys).flatMap((key) => textsOf(key, typeof key === "string")),
    ...Object.values(providers).flatMap((provider) => textsOf(provider)),
  ];
}

/** Texts of a provider's entry under names that say `key`, `secret`, `token` or `password`. */
function textsOf(entry: unknown, secret = false): string[] {
  if (typeof entry === "string") return secret ? [entry] : [];
  if (typeof entry !== "object" || entry === null) return [];
  return Object.entries(entry).flatMap(([name, value]) =>
    textsOf(value, secret || /key|secret|token|password|credential/i.test(name)),
  );
}
