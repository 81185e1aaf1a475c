import type { Tables } from "../../database/database.ts";
import { ALERTS_MAX } from "../limits.ts";
import type { AlertRow, HealthTables } from "./tables.ts";

/** Values of `firing`. Untold: it began again within its cooldown, so its end is not told either. */
const OVER = 0;
const TOLD = 1;
const UNTOLD = 2;

/** Which alerts fire and when they were told last, over restarts and for all services that share the database. */
export class AlertStore {
  readonly #tables: Tables<HealthTables>;

  constructor(tables: Tables<HealthTables>) {
    this.#tables = tables;
  }

  /**
   * Marks an alert as firing and says whether it is to be told now: when it was not told within the cooldown, or is
   * more severe than what was told. Of several services that ask at once one gets an answer.
   * @param milder Severities below that of `row`.
   * @returns Unix ms at which it began, or undefined when it is not to be told.
   */
  async claim(
    row: Omit<AlertRow, "firing">,
    cooldownMs: number,
    milder: readonly string[],
  ): Promise<number | undefined> {
    const claimed = await this.#tables.run((db) =>
      db
        .insertInto("health_alerts")
        .values({ ...row, firing: TOLD })
        .onConflict((conflict) =>
          conflict
            .column("key")
            .doUpdateSet((eb) => ({
              severity: row.severity,
              fired_at: eb
                .case()
                .when("health_alerts.firing", "=", OVER)
                .then(row.fired_at)
                .else(eb.ref("health_alerts.fired_at"))
                .end(),
              firing: TOLD,
              last_sent_at: row.last_sent_at,
              body: row.body,
            }))
            .where((eb) =>
              eb.or([
                eb("health_alerts.last_sent_at", "<=", row.last_sent_at - cooldownMs),
                ...(milder.length === 0 ? [] : [eb("health_alerts.severity", "in", milder)]),
              ]),
            ),
        )
        .returning("fired_at")
        .executeTakeFirst(),
    );
    if (claimed !== undefined) return Number(claimed.fired_at);
    await this.#tables.run((db) =>
      db
        .updateTable("health_alerts")
        .set({ firing: UNTOLD, fired_at: row.fired_at, body: row.body })
        .where("key", "=", row.key)
        .where("firing", "=", OVER)
        .execute(),
    );
    return undefined;
  }

  async firing(): Promise<AlertRow[]> {
    return this.#tables.run((db) =>
      db
        .selectFrom("health_alerts")
        .selectAll()
        .where("firing", "!=", OVER)
        .orderBy("fired_at", "desc")
        .limit(ALERTS_MAX)
        .execute(),
    );
  }

  /** Marks an alert as over; true for the one caller that is to tell it. */
  async end(key: string): Promise<boolean> {
    const end = (from: number) =>
      this.#tables.run((db) =>
        db
          .updateTable("health_alerts")
          .set({ firing: OVER })
          .where("key", "=", key)
          .where("firing", "=", from)
          .returning("key")
          .executeTakeFirst(),
      );
    await end(UNTOLD);
    return (await end(TOLD)) !== undefined;
  }

  /** Forgets alerts whose cooldown is over and that do not fire. */
  async prune(sentBeforeMs: number): Promise<void> {
    await this.#tables.run((db) =>
      db.deleteFrom("health_alerts").where("firing", "=", OVER).where("last_sent_at", "<", sentBeforeMs).execute(),
    );
  }
}
