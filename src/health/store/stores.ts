import type { Database, Tables } from "../../database/database.ts";
import { AggregateStore } from "./aggregate-store.ts";
import { AlertStore } from "./alert-store.ts";
import { HealthStore } from "./health-store.ts";
import { LockStore } from "./lock-store.ts";
import { MaintenanceStore } from "./maintenance-store.ts";
import { COMPONENT, type HealthTables, MIGRATIONS } from "./tables.ts";

/** Everything that the health service keeps, in one database. */
export interface Stores {
  readonly database: Database;
  readonly health: HealthStore;
  readonly aggregates: AggregateStore;
  readonly alerts: AlertStore;
  readonly locks: LockStore;
  readonly maintenance: MaintenanceStore;
  readonly tables: Tables<HealthTables>;
}

export function storesOf(database: Database): Stores {
  const tables = database.component<HealthTables>(COMPONENT, MIGRATIONS);
  return {
    database,
    tables,
    health: new HealthStore(tables),
    aggregates: new AggregateStore(tables),
    alerts: new AlertStore(tables),
    locks: new LockStore(tables),
    maintenance: new MaintenanceStore(tables),
  };
}
