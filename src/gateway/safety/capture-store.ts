import type { Database, Tables } from "../../database/database.ts";
import type { Migration } from "../../database/migrations.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { CapturedContent } from "../request-record.ts";

/** Texts that wait to be written; beyond either they are dropped and counted. */
const QUEUED_MAX = 1_000;
const QUEUED_BYTES_MAX = 16 * 1024 * 1024; // 16 MiB
const BATCH_MAX = 50;
const FLUSH_MS = 1_000;
/** How often texts past their time, or past the size, are deleted. */
const SWEEP_MS = 60_000;
/** Oldest texts deleted at once while there are too many bytes. */
const SWEEP_ROWS = 500;

interface Row {
  request_id: string;
  key_hash: string;
  at_ms: number;
  expires_at_ms: number;
  bytes: number;
  input: string;
  output: string;
}

interface Schema {
  gateway_captured_content: Row;
}

const MIGRATIONS: readonly Migration[] = [
  async (db, kind) => {
    const big = kind === "postgres" ? "bigint" : "integer";
    await db.schema
      .createTable("gateway_captured_content")
      .addColumn("request_id", "text", (column) => column.primaryKey())
      .addColumn("key_hash", "text", (column) => column.notNull())
      .addColumn("at_ms", big, (column) => column.notNull())
      .addColumn("expires_at_ms", big, (column) => column.notNull())
      .addColumn("bytes", "integer", (column) => column.notNull())
      .addColumn("input", "text", (column) => column.notNull())
      .addColumn("output", "text", (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex("gateway_captured_content_expiry")
      .on("gateway_captured_content")
      .column("expires_at_ms")
      .execute();
  },
];

export interface CaptureEntry extends CapturedContent {
  readonly requestId: string;
  readonly keyHash: string;
  readonly atMs: number;
}

export interface CaptureStoreOptions {
  readonly database: Database;
  readonly retentionMs: number;
  readonly bytesMax: number;
  readonly logger: Logger;
}

/**
 * Captured prompts and answers in the database. Writing is in the background and in batches; a text leaves when its time
 * is over, whatever happens to the rest of the telemetry, and earlier where all together are too large.
 */
export class CaptureStore {
  readonly #tables: Tables<Schema>;
  readonly #options: CaptureStoreOptions;
  readonly #flushTimer: NodeJS.Timeout;
  readonly #sweepTimer: NodeJS.Timeout;
  #queue: Row[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #dropped = 0;
  #failing = false;

  constructor(options: CaptureStoreOptions) {
    this.#options = options;
    this.#tables = options.database.component<Schema>("gateway_capture", MIGRATIONS);
    this.#flushTimer = setInterval(() => void this.flush(), FLUSH_MS);
    this.#sweepTimer = setInterval(() => void this.sweep(), SWEEP_MS);
    this.#flushTimer.unref();
    this.#sweepTimer.unref();
  }

  /** Texts that could not be kept because too many waited, or the database refused them. */
  get dropped(): number {
    return this.#dropped;
  }

  add({ requestId, keyHash, atMs, input, output }: CaptureEntry): void {
    const bytes = Buffer.byteLength(input) + Buffer.byteLength(output);
    if (this.#queue.length >= QUEUED_MAX || this.#queuedBytes + bytes > QUEUED_BYTES_MAX) {
      this.#dropped++;
      return;
    }
    const at_ms = Math.floor(atMs);
    this.#queue.push({
      request_id: requestId,
      key_hash: keyHash,
      at_ms,
      expires_at_ms: at_ms + this.#options.retentionMs,
      bytes,
      // PostgreSQL's text has no NUL.
      input: input.replaceAll("\u0000", "\ufffd"),
      output: output.replaceAll("\u0000", "\ufffd"),
    });
    this.#queuedBytes += bytes;
    if (this.#queue.length >= BATCH_MAX) void this.flush();
  }

  /** Writes what waits. Never rejects: what the database refuses is dropped, counted and said once. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#queue.length > 0) {
      const rows = this.#queue.splice(0, BATCH_MAX);
      for (const { bytes } of rows) this.#queuedBytes -= bytes;
      try {
        await this.#tables.run((db) =>
          db
            .insertInto("gateway_captured_content")
            .values(rows)
            .onConflict((conflict) => conflict.column("request_id").doNothing())
            .execute(),
        );
        this.#failing = false;
      } catch (error) {
        this.#dropped += rows.length;
        this.#complain(error, "captured texts could not be kept");
      }
    }
  }

  /** What was captured of a request, while it is kept. @param keyHash The owner; undefined for the administrator. */
  async read(requestId: string, keyHash: string | undefined): Promise<CapturedContent | undefined> {
    await this.flush();
    return this.#tables.run(async (db) => {
      let query = db
        .selectFrom("gateway_captured_content")
        .select(["input", "output"])
        .where("request_id", "=", requestId)
        .where("expires_at_ms", ">", Date.now());
      if (keyHash !== undefined) query = query.where("key_hash", "=", keyHash);
      return query.executeTakeFirst();
    });
  }

  /** Deletes one request's texts now; true where there were any. @param keyHash As of `read`. */
  async forget(requestId: string, keyHash: string | undefined): Promise<boolean> {
    await this.flush();
    return this.#tables.run(async (db) => {
      let query = db.deleteFrom("gateway_captured_content").where("request_id", "=", requestId);
      if (keyHash !== undefined) query = query.where("key_hash", "=", keyHash);
      const { numDeletedRows } = await query.executeTakeFirst();
      return numDeletedRows > 0n;
    });
  }

  /** Deletes what is past its time, then the oldest until the rest is small enough. Never rejects. */
  async sweep(nowMs = Date.now()): Promise<void> {
    try {
      await this.#tables.run(async (db) => {
        await db.deleteFrom("gateway_captured_content").where("expires_at_ms", "<=", nowMs).execute();
        for (;;) {
          const { bytes } = await db
            .selectFrom("gateway_captured_content")
            .select((select) => select.fn.sum<number | string | null>("bytes").as("bytes"))
            .executeTakeFirstOrThrow();
          let excess = Number(bytes ?? 0) - this.#options.bytesMax;
          if (excess <= 0) return;
          const oldest = await db
            .selectFrom("gateway_captured_content")
            .select(["request_id", "bytes"])
            .orderBy("expires_at_ms")
            .limit(SWEEP_ROWS)
            .execute();
          const ids: string[] = [];
          for (const row of oldest) {
            if (excess <= 0) break;
            excess -= row.bytes;
            ids.push(row.request_id);
          }
          await db.deleteFrom("gateway_captured_content").where("request_id", "in", ids).execute();
        }
      });
    } catch (error) {
      this.#complain(error, "captured texts could not be deleted in time; trying again");
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#flushTimer);
    clearInterval(this.#sweepTimer);
    await this.flush();
  }

  #complain(error: unknown, what: string): void {
    if (!this.#failing) this.#options.logger.warn({ reason: (error as Error).message }, what);
    this.#failing = true;
  }
}
