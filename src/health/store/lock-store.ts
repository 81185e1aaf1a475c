import type { Tables } from "../../database/database.ts";
import type { HealthTables } from "./tables.ts";

/** Leases as rows: who may check a model, where several services share a Postgres and there is no Redis. */
export class LockStore {
  readonly #tables: Tables<HealthTables>;

  constructor(tables: Tables<HealthTables>) {
    this.#tables = tables;
  }

  /** Takes the lease where nobody holds it or its holder let it run out; true when it is ours now. */
  async take(name: string, owner: string, nowMs: number, ttlMs: number): Promise<boolean> {
    const row = { name, owner, expires_at: nowMs + ttlMs };
    const taken = await this.#tables.run((db) =>
      db
        .insertInto("health_locks")
        .values(row)
        .onConflict((conflict) =>
          conflict
            .column("name")
            .doUpdateSet({ owner, expires_at: row.expires_at })
            .where((eb) => eb.or([eb("health_locks.expires_at", "<=", nowMs), eb("health_locks.owner", "=", owner)])),
        )
        .returning("owner")
        .executeTakeFirst(),
    );
    return taken !== undefined;
  }

  async release(name: string, owner: string): Promise<void> {
    await this.#tables.run((db) =>
      db.deleteFrom("health_locks").where("name", "=", name).where("owner", "=", owner).execute(),
    );
  }

  /** Removes what holders that died have left. */
  async prune(nowMs: number): Promise<void> {
    await this.#tables.run((db) => db.deleteFrom("health_locks").where("expires_at", "<=", nowMs).execute());
  }
}
