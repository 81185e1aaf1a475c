import { join } from "node:path";
import { Database } from "../../database/database.ts";
import type { DatabaseObserver } from "../../database/observer.ts";
import type { RoleContext } from "../../runtime/role.ts";
import type { HealthBook } from "../health-book.ts";
import { importLegacy } from "./legacy-import.ts";
import { type Stores, storesOf } from "./stores.ts";

const DATABASE_FILE = "state.db";
/** What the first release wrote. */
const LEGACY_FILE = "health.db";
/** An answer about the database is given out again for so long. */
const PING_FRESH_MS = 5_000;
/** `/health` waits no longer for the database than this. */
const PING_TIMEOUT_MS = 1_000;

/**
 * The database of the configuration, or, while that cannot be used (or USE_INTELLIGENT_MONITOR is off), one in memory,
 * so that the service watches on (contract section 2: the simple monitor). What is on disk is left as it is then.
 */
export class DatabaseInUse {
  readonly #context: RoleContext;
  #stores: Stores;
  #type: "intelligent" | "simple";
  /** What was configured, while it cannot be used but may come back; it tries to connect by itself. */
  #wanted: Stores | undefined;
  /** Why the wanted database is not in use. */
  #openError: string | undefined;
  #pinged: Promise<string | undefined> | undefined;
  #pingedAtMs = 0;

  private constructor(context: RoleContext, stores: Stores, type: "intelligent" | "simple") {
    this.#context = context;
    this.#stores = stores;
    this.#type = type;
  }

  static async open(context: RoleContext, observer: DatabaseObserver): Promise<DatabaseInUse> {
    const { config, logger } = context;
    if (!config.health.intelligentMonitor) return new DatabaseInUse(context, memoryStores(context), "simple");
    const wanted = wantedStores(context, observer);
    try {
      await prepare(context, wanted);
      return new DatabaseInUse(context, wanted, "intelligent");
    } catch (error) {
      const { message } = error as Error;
      logger.error({ error: message }, "health database cannot be used; keeping results in memory only");
      const inUse = new DatabaseInUse(context, memoryStores(context), "simple");
      inUse.#openError = message;
      // A file that is broken or of a newer program stays so; a server that is away comes back.
      if (wanted.database.kind === "postgres" && !wanted.database.available) inUse.#wanted = wanted;
      else await wanted.database.close();
      return inUse;
    }
  }

  get stores(): Stores {
    return this.#stores;
  }

  get type(): "intelligent" | "simple" {
    return this.#type;
  }

  /** False while what was configured cannot be used. */
  get usable(): boolean {
    return this.#openError === undefined && this.#stores.database.available;
  }

  /** Why it cannot be used; undefined while it can. Asks it, at most every five seconds. */
  async error(): Promise<string | undefined> {
    if (this.#openError !== undefined) return this.#openError;
    if (this.#pinged === undefined || Date.now() - this.#pingedAtMs >= PING_FRESH_MS) {
      this.#pingedAtMs = Date.now();
      this.#pinged = this.#ping();
    }
    return this.#pinged;
  }

  async #ping(): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`no answer within ${PING_TIMEOUT_MS} ms`), PING_TIMEOUT_MS);
    });
    const answer = this.#stores.health.ping().then(
      () => undefined,
      (error: Error) => error.message,
    );
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Moves to the wanted database when it has come back, where the service started without it; what was learnt meanwhile
   * moves along.
   * @throws Error when it still cannot be used.
   */
  async retry(book: HealthBook): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === undefined || !wanted.database.available) return;
    await prepare(this.#context, wanted);
    await book.moveTo(wanted.health);
    const before = this.#stores;
    this.#stores = wanted;
    this.#wanted = undefined;
    this.#openError = undefined;
    this.#pinged = undefined;
    this.#type = "intelligent";
    await before.database.close();
    this.#context.logger.info("health database is in use now; what was kept in memory has moved there");
  }

  async close(): Promise<void> {
    await this.#wanted?.database.close();
    await this.#stores.database.close();
  }
}

function wantedStores({ config, dataDir, logger }: RoleContext, observer: DatabaseObserver): Stores {
  const { url, poolMax } = config.database;
  const file = join(dataDir, DATABASE_FILE);
  return storesOf(new Database({ file, url, poolMax, name: "health", logger, observer }));
}

/**
 * Makes the tables, and takes over what an earlier release kept.
 * @throws Error when the database cannot be reached or its tables are of a newer program.
 */
async function prepare({ dataDir, logger }: RoleContext, stores: Stores): Promise<void> {
  await stores.health.ping();
  const models = await importLegacy(join(dataDir, LEGACY_FILE), stores.tables);
  if (models !== undefined) logger.info({ models }, "took over the health data of an earlier release");
}

function memoryStores({ logger }: RoleContext): Stores {
  return storesOf(new Database({ file: ":memory:", url: undefined, poolMax: 1, name: "health", logger }));
}
