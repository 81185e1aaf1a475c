import type { Logger } from "../../runtime/logger.ts";
import { ALERTS_PER_ROUND_MAX } from "../limits.ts";
import type { AlertStore } from "../store/alert-store.ts";
import type { AlertRow } from "../store/tables.ts";
import {
  ALERT_SEVERITIES,
  type Alert,
  type AlertSeverity,
  type Notification,
  notificationJson,
  rankOf,
} from "./alert.ts";

export interface AlertsOptions {
  /** The store of the database in use. */
  store(): AlertStore;
  /** What is wrong now. */
  current(): Promise<Alert[]>;
  send(notification: Notification): void;
  readonly cooldownMs: number;
  readonly logger: Logger;
  onAlert?(kind: "fired" | "resolved" | "suppressed", alert: Alert): void;
}

/**
 * Compares what is wrong with what was told. An alert is told when it was there twice in a row (one bad moment is none),
 * again after its cooldown or when it has become more severe; its end is told once.
 */
export class Alerts {
  readonly #options: AlertsOptions;
  /** Keys of the evaluation before. */
  #before: ReadonlySet<string> = new Set();

  constructor(options: AlertsOptions) {
    this.#options = options;
  }

  /** @throws the database's error; what was not told is told the next time. */
  async evaluate(nowMs = Date.now()): Promise<void> {
    const current = await this.#options.current();
    const keys = new Set(current.map(({ key }) => key));
    const lasting = current.filter(({ key }) => this.#before.has(key));
    this.#before = keys;
    let told = 0;
    for (const alert of lasting) {
      if (told >= ALERTS_PER_ROUND_MAX) {
        // The most severe ones came first; the others have their turn in the next rounds.
        this.#options.onAlert?.("suppressed", alert);
        continue;
      }
      if (await this.#fire(alert, nowMs)) told++;
    }
    await this.#endOthers(keys, nowMs);
  }

  /** Alerts that fire, the newest first, as a webhook tells them. */
  async firing(): Promise<Record<string, unknown>[]> {
    const rows = await this.#options.store().firing();
    return rows.map((row) => notificationJson(notificationOf(row, "firing", row.last_sent_at)));
  }

  async #fire(alert: Alert, nowMs: number): Promise<boolean> {
    const { cooldownMs, logger, onAlert, send, store } = this.#options;
    const row = {
      key: alert.key,
      type: alert.type,
      severity: alert.severity,
      fired_at: nowMs,
      last_sent_at: nowMs,
      body: JSON.stringify(alert),
    };
    const milder = ALERT_SEVERITIES.slice(0, rankOf(alert.severity));
    const firedAtMs = await store().claim(row, cooldownMs, milder);
    if (firedAtMs === undefined) return false;
    logger.warn({ alert: alert.key, severity: alert.severity, message: alert.message }, `alert: ${alert.title}`);
    onAlert?.("fired", alert);
    send({ alert, status: "firing", firedAtMs, atMs: nowMs });
    return true;
  }

  async #endOthers(keys: ReadonlySet<string>, nowMs: number): Promise<void> {
    const { logger, onAlert, send, store } = this.#options;
    for (const row of await store().firing()) {
      if (keys.has(row.key) || !(await store().end(row.key))) continue;
      const notification = notificationOf(row, "resolved", nowMs);
      logger.info({ alert: row.key }, `alert is over: ${notification.alert.title}`);
      onAlert?.("resolved", notification.alert);
      send(notification);
    }
  }
}

function notificationOf(row: AlertRow, status: Notification["status"], atMs: number): Notification {
  const alert = JSON.parse(row.body) as Alert;
  return { alert: { ...alert, severity: row.severity as AlertSeverity }, status, firedAtMs: row.fired_at, atMs };
}
