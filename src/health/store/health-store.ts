import type { Kysely } from "kysely";
import type { Tables } from "../../database/database.ts";
import { type Check, keyOf, type Target } from "../check.ts";
import type { Incident } from "../incidents/incidents.ts";
import type { ModelState } from "../model-state.ts";
import { addToHours } from "./aggregate-store.ts";
import { incidentOf, incidentRow, MODEL_COLUMNS, type ModelColumn, modelOf, modelRow } from "./rows.ts";
import type { HealthTables, IncidentRow, ModelRow } from "./tables.ts";

/** Rows of one statement: 24 columns each stay below SQLite's 32,766 parameters. */
const STATEMENT_ROWS_MAX = 500;

/** Any number, the same in every release: who holds it changes states and incidents. */
const ADVISORY_LOCK = 7_361_520;

/** What one transaction writes. */
export interface Changes {
  readonly models: readonly ModelState[];
  /** What is replaced of models that are stored already; everything when absent. */
  readonly columns?: readonly ModelColumn[];
  readonly incidents: readonly Incident[];
  readonly checks: readonly Check[];
}

/** What the database knows about some targets. */
export interface Known {
  readonly models: ReadonlyMap<string, ModelState>;
  /** Open incidents by target. */
  readonly incidents: ReadonlyMap<string, Incident>;
}

export interface IncidentFilter {
  readonly status?: Incident["status"];
  readonly provider?: string;
  readonly model?: string;
  readonly severity?: Incident["severity"];
  /** Unix ms of the newest that is wanted. */
  readonly beforeMs?: number;
  /** Unix ms: started at or after it. */
  readonly sinceMs?: number;
}

/** Models, incidents and the history of checks. Every call throws the database's error when it does not take it. */
export class HealthStore {
  readonly #tables: Tables<HealthTables>;

  constructor(tables: Tables<HealthTables>) {
    this.#tables = tables;
  }

  /** True where other health services may write to the same tables. */
  get shared(): boolean {
    return this.#tables.kind === "postgres";
  }

  /** Makes or updates the tables, and finds out whether they can be used. */
  async ping(): Promise<void> {
    await this.#tables.run((db) => db.selectFrom("health_locks").select("name").limit(1).execute());
  }

  async load(): Promise<Known> {
    return this.#tables.run(async (db) => {
      const models = await db.selectFrom("health_models").selectAll().execute();
      const incidents = await db.selectFrom("health_incidents").selectAll().where("status", "!=", "resolved").execute();
      return knownOf(models, incidents);
    });
  }

  /** What is stored about these targets, and perhaps about others of the same models. */
  async find(targets: readonly Target[]): Promise<Known> {
    return this.#tables.run((db) => find(db, modelsOf(targets)));
  }

  /**
   * Reads what is known about the targets and writes what `work` makes of it, all or nothing. Another service that wants
   * to do the same waits.
   */
  async update<T extends Changes>(targets: readonly Target[], work: (known: Known) => T): Promise<T> {
    return this.#tables.transaction(async (db) => {
      await this.#lock(db);
      const changes = work(await find(db, modelsOf(targets)));
      await writeChanges(db, changes);
      return changes;
    });
  }

  /** Until the transaction ends no other service reads to write. Rows that are not there yet could not be locked. */
  async #lock(db: Kysely<HealthTables>): Promise<void> {
    if (!this.shared) return;
    const { sql } = await import("kysely");
    await sql`select pg_advisory_xact_lock(${sql.lit(ADVISORY_LOCK)})`.execute(db);
  }

  /** All or nothing. */
  async write(changes: Changes): Promise<void> {
    await this.#tables.transaction((db) => writeChanges(db, changes));
  }

  /** Removes models that no catalogue lists any more and that nobody has called since. */
  async forgetModels(calledBeforeMs: number): Promise<Target[]> {
    return this.#tables.run((db) =>
      db
        .deleteFrom("health_models")
        .where("enabled", "=", 0)
        .where((eb) => eb.or([eb("last_called_at", "<", calledBeforeMs), eb("last_called_at", "is", null)]))
        .where("next_check_at", "<", calledBeforeMs)
        .returning(["provider", "model", "gateway"])
        .execute(),
    );
  }

  /** Newest first. */
  async incidents(filter: IncidentFilter, limit: number, offset = 0): Promise<Incident[]> {
    return this.#tables.run(async (db) => {
      let query = db.selectFrom("health_incidents").selectAll();
      if (filter.status !== undefined) query = query.where("status", "=", filter.status);
      if (filter.provider !== undefined) query = query.where("provider", "=", filter.provider);
      if (filter.model !== undefined) query = query.where("model", "=", filter.model);
      if (filter.severity !== undefined) query = query.where("severity", "=", filter.severity);
      if (filter.beforeMs !== undefined) query = query.where("started_at", "<", filter.beforeMs);
      if (filter.sinceMs !== undefined) query = query.where("started_at", ">=", filter.sinceMs);
      const rows = await query.orderBy("started_at", "desc").orderBy("id").limit(limit).offset(offset).execute();
      return rows.map(incidentOf);
    });
  }

  async countIncidents(status: Incident["status"]): Promise<number> {
    const row = await this.#tables.run((db) =>
      db
        .selectFrom("health_incidents")
        .select((eb) => eb.fn.countAll<number>().as("rows"))
        .where("status", "=", status)
        .executeTakeFirstOrThrow(),
    );
    return Number(row.rows);
  }

  async incident(id: string): Promise<Incident | undefined> {
    const row = await this.#tables.run((db) =>
      db.selectFrom("health_incidents").selectAll().where("id", "=", id).executeTakeFirst(),
    );
    return row === undefined ? undefined : incidentOf(row);
  }

  /**
   * Replaces an open incident by what `work` makes of it.
   * @returns Undefined when there is none of this id, or it is resolved.
   */
  async updateIncident(id: string, work: (incident: Incident) => Incident): Promise<Incident | undefined> {
    return this.#tables.transaction(async (db) => {
      await this.#lock(db);
      const query = db
        .selectFrom("health_incidents")
        .selectAll()
        .where("id", "=", id)
        .where("status", "!=", "resolved");
      const row = await query.executeTakeFirst();
      if (row === undefined) return undefined;
      const incident = work(incidentOf(row));
      await writeChanges(db, { models: [], incidents: [incident], checks: [] });
      return incident;
    });
  }

  /** The newest checks of one model, newest first. */
  async history(target: Pick<Target, "provider" | "model">, limit: number): Promise<Omit<Check, keyof Target>[]> {
    const rows = await this.#tables.run((db) =>
      db
        .selectFrom("health_history")
        .select(["kind", "status", "response_time_ms", "error", "tokens", "checked_at"])
        .where("model", "=", target.model)
        .where("provider", "=", target.provider)
        .orderBy("checked_at", "desc")
        .limit(limit)
        .execute(),
    );
    return rows.map((row) => ({
      kind: row.kind as Check["kind"],
      status: row.status as Check["status"],
      responseTimeMs: row.response_time_ms,
      error: row.error ?? undefined,
      tokens: row.tokens,
      atMs: row.checked_at,
    }));
  }

  /** Removes what is past its number or its time. */
  async prune(limits: { historyBeforeMs: number; historyRowsMax: number; resolvedMax: number }): Promise<void> {
    await this.#tables.transaction(async (db) => {
      await db.deleteFrom("health_history").where("checked_at", "<", limits.historyBeforeMs).execute();
      const newest = await db
        .selectFrom("health_history")
        .select((eb) => eb.fn.max<number>("id").as("id"))
        .executeTakeFirst();
      const lastGone = Number(newest?.id ?? 0) - limits.historyRowsMax;
      if (lastGone > 0) await db.deleteFrom("health_history").where("id", "<=", lastGone).execute();
      const oldest = await db
        .selectFrom("health_incidents")
        .select("started_at")
        .where("status", "=", "resolved")
        .orderBy("started_at", "desc")
        .offset(limits.resolvedMax)
        .limit(1)
        .executeTakeFirst();
      if (oldest === undefined) return;
      await db
        .deleteFrom("health_incidents")
        .where("status", "=", "resolved")
        .where("started_at", "<=", oldest.started_at)
        .execute();
    });
  }

  /** Rows of the tables that grow. */
  async counts(): Promise<{ history: number; aggregates: number; incidents: number }> {
    return this.#tables.run(async (db) => {
      const count = async (table: "health_history" | "health_aggregates" | "health_incidents"): Promise<number> => {
        const row = await db
          .selectFrom(table)
          .select((eb) => eb.fn.countAll<number>().as("rows"))
          .executeTakeFirstOrThrow();
        return Number(row.rows);
      };
      return {
        history: await count("health_history"),
        aggregates: await count("health_aggregates"),
        incidents: await count("health_incidents"),
      };
    });
  }
}

function modelsOf(targets: readonly Target[]): string[] {
  return [...new Set(targets.map(({ model }) => model))].sort();
}

function knownOf(models: readonly ModelRow[], incidents: readonly IncidentRow[]): Known {
  return {
    models: new Map(models.map((row) => [keyOf(row), modelOf(row)])),
    incidents: new Map(incidents.map((row) => [keyOf(row), incidentOf(row)])),
  };
}

async function find(db: Kysely<HealthTables>, models: readonly string[]): Promise<Known> {
  if (models.length === 0) return knownOf([], []);
  const modelRows = await db.selectFrom("health_models").selectAll().where("model", "in", models).execute();
  const incidentRows = await db
    .selectFrom("health_incidents")
    .selectAll()
    .where("status", "!=", "resolved")
    .where("model", "in", models)
    .execute();
  return knownOf(modelRows, incidentRows);
}

async function writeChanges(db: Kysely<HealthTables>, changes: Changes): Promise<void> {
  const columns = changes.columns ?? MODEL_COLUMNS;
  // In one order, so that two services never wait for each other.
  const models = changes.models.map(modelRow).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  for (const rows of chunks(models)) {
    await db
      .insertInto("health_models")
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .columns(["provider", "model", "gateway"])
          .doUpdateSet((eb) => Object.fromEntries(columns.map((name) => [name, eb.ref(`excluded.${name}`)]))),
      )
      .execute();
  }
  for (const row of changes.incidents.map(incidentRow)) {
    await db
      .insertInto("health_incidents")
      .values(row)
      .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
      .execute();
  }
  for (const checks of chunks(changes.checks)) {
    const rows = checks.map((check) => ({
      provider: check.provider,
      model: check.model,
      gateway: check.gateway,
      kind: check.kind,
      status: check.status,
      response_time_ms: check.responseTimeMs,
      error: check.error ?? null,
      tokens: check.tokens,
      checked_at: check.atMs,
    }));
    await db.insertInto("health_history").values(rows).execute();
  }
  await addToHours(db, changes.checks);
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += STATEMENT_ROWS_MAX) {
    yield items.slice(start, start + STATEMENT_ROWS_MAX);
  }
}
