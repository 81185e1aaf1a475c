import { randomUUID } from "node:crypto";
import type { Tables } from "../../database/database.ts";
import type { MaintenanceWindow } from "../availability/maintenance.ts";
import type { HealthTables } from "./tables.ts";

/** Maintenance windows that are open or ahead. */
export class MaintenanceStore {
  readonly #tables: Tables<HealthTables>;

  constructor(tables: Tables<HealthTables>) {
    this.#tables = tables;
  }

  async list(nowMs: number): Promise<MaintenanceWindow[]> {
    const rows = await this.#tables.run((db) =>
      db.selectFrom("health_maintenance").selectAll().where("ends_at", ">", nowMs).orderBy("starts_at").execute(),
    );
    return rows.map((row) => ({
      id: row.id,
      provider: row.provider ?? undefined,
      model: row.model ?? undefined,
      gateway: row.gateway ?? undefined,
      startsAtMs: row.starts_at,
      endsAtMs: row.ends_at,
      reason: row.reason,
    }));
  }

  async add(window: Omit<MaintenanceWindow, "id">): Promise<MaintenanceWindow> {
    const added = { ...window, id: randomUUID() };
    await this.#tables.run((db) =>
      db
        .insertInto("health_maintenance")
        .values({
          id: added.id,
          provider: added.provider ?? null,
          model: added.model ?? null,
          gateway: added.gateway ?? null,
          starts_at: added.startsAtMs,
          ends_at: added.endsAtMs,
          reason: added.reason,
        })
        .execute(),
    );
    return added;
  }

  /** False when there is none of this id. */
  async remove(id: string): Promise<boolean> {
    const removed = await this.#tables.run((db) =>
      db.deleteFrom("health_maintenance").where("id", "=", id).returning("id").executeTakeFirst(),
    );
    return removed !== undefined;
  }

  async prune(endedBeforeMs: number): Promise<void> {
    await this.#tables.run((db) => db.deleteFrom("health_maintenance").where("ends_at", "<", endedBeforeMs).execute());
  }
}
