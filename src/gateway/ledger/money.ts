import { join } from "node:path";
import type { Config } from "../../config/schema.ts";
import type { Database, Tables } from "../../database/database.ts";
import type { Redis } from "../../redis/redis.ts";
import type { RoleContext } from "../../runtime/role.ts";
import { type Admission, LocalAdmission } from "../access/admission.ts";
import { AnonymousQuota } from "../access/anonymous-quota.ts";
import { type BudgetOptions, Budgets } from "../access/budgets.ts";
import { Periods } from "../access/periods.ts";
import { RateLimits } from "../access/rate-limits.ts";
import { SharedAdmission } from "../access/shared-admission.ts";
import type { TeamRecord } from "../access/store/key-record.ts";
import type { KeyStore } from "../access/store/key-store.ts";
import type { VelocityMode } from "../access/velocity-mode.ts";
import type { Telemetry } from "../request-record.ts";
import type { Prices } from "../usage/prices.ts";
import { AbandonedLogs } from "./abandoned-logs.ts";
import type { Till } from "./bill.ts";
import { RollUp } from "./roll-up.ts";
import { UsageLedger } from "./usage-ledger.ts";
import { UsageReports } from "./usage-reports.ts";
import { USAGE_MIGRATIONS, type UsageTables } from "./usage-tables.ts";

const LOG_FOLDER = "usage-log";

export interface MoneyParts {
  readonly context: RoleContext;
  readonly telemetry: Telemetry;
  readonly velocity: VelocityMode;
  readonly prices: Prices;
  readonly database: Database;
  readonly keyStore: KeyStore;
  /** What several gateways share; undefined where each counts for itself. */
  readonly redis: Redis | undefined;
  /** Where several processes answer for one gateway: who admits, and this process' own name, for a log of its own. */
  readonly admission?: Admission;
  readonly process?: string;
  /** The primary's ledger, with which this one's spending is one. */
  readonly gatewayId?: string | undefined;
}

/** Limits, budgets and the ledger of one gateway process, put together. */
export class Money {
  readonly limits: RateLimits;
  readonly budgets: Budgets;
  readonly till: Till;
  readonly reports: UsageReports;
  readonly #ledger: UsageLedger;
  readonly #rollUp: RollUp;
  readonly #abandonedLogs: AbandonedLogs | undefined;
  #config: Config["gateway"];
  #spentKnown = Promise.resolve();

  constructor(parts: MoneyParts) {
    const { context, telemetry, velocity, prices, database, keyStore } = parts;
    const { logger } = context;
    this.#config = context.config.gateway;
    this.limits = new RateLimits(this.#config.limits, telemetry, velocity);
    this.budgets = new Budgets({ ...budgetOptions(this.#config), telemetry, logger });
    const periods = (): Periods => this.budgets.periods;
    const anonymous = new AnonymousQuota(() => this.#config.anonymous.requestsPerDay, periods, telemetry);
    const folder = parts.process === undefined ? LOG_FOLDER : `${LOG_FOLDER}-${parts.process}`;
    this.#ledger = new UsageLedger({ dir: join(context.dataDir, folder), periods, telemetry, logger });
    const tables: Tables<UsageTables> = database.component<UsageTables>("gateway_usage", USAGE_MIGRATIONS);
    this.#rollUp = new RollUp({
      ledger: this.#ledger,
      gatewayId: parts.gatewayId,
      tables,
      periods,
      spent: (rows) => this.budgets.load(rows),
      used: (lastUse) => keyStore.noteUse(lastUse),
      intervalMs: this.#config.usage.rollUpInterval,
      retentionMs: () => this.#config.usage.retention,
      telemetry,
      logger,
    });
    this.#abandonedLogs =
      parts.process !== undefined
        ? undefined // The primary sees to them, for all.
        : new AbandonedLogs({
            dataDir: context.dataDir,
            workers: this.#config.workers,
            gatewayId: () => this.#ledger.id,
            tables,
            periods,
            used: (lastUse) => keyStore.noteUse(lastUse),
            telemetry,
            logger,
          });
    this.reports = new UsageReports(tables);
    this.till = {
      admission: parts.admission ?? this.#admissionOf(parts, new LocalAdmission(this.limits, this.budgets, anonymous)),
      ledger: this.#ledger,
      prices,
      outputTokensReserved: () => this.#config.budgets.outputTokensReserved,
    };
  }

  /** Under which the database knows what this gateway has spent; undefined before the start and without a log. */
  get gatewayId(): string | undefined {
    return this.#ledger.id;
  }

  /** After `start`: resolves when budgets know what was spent before, or the database could not say. Never rejects. */
  get spentKnown(): Promise<void> {
    return this.#spentKnown;
  }

  /** Requests that wait for the database, and bytes of the log. */
  get pending(): { requests: number; logBytes: number } {
    return { requests: this.#ledger.pendingRequests, logBytes: this.#ledger.logBytes };
  }

  /** What an ordinary key may use, by the names of telemetry. */
  get ordinaryLimits(): Readonly<Record<string, number>> {
    const { requestsPerMinute, requestsPerDay } = this.#config.limits;
    return { request_rate: requestsPerMinute, daily_quota: requestsPerDay };
  }

  /** Opens the log, which is quick; what an earlier process left and what has been spent come in the background. */
  async start(): Promise<void> {
    await this.#ledger.start();
    this.#spentKnown = this.#rollUp.start();
    this.#abandonedLogs?.start();
  }

  /** Asks the other processes that answer for this gateway to store what they have settled; set where there are any. */
  flushOthers: () => Promise<void> = async () => undefined;

  /** Brings what has been settled into the database now, in all processes, such as before a report. Never rejects. */
  async flush(): Promise<void> {
    await Promise.all([this.#rollUp.run(), this.flushOthers()]);
  }

  /** Takes over another configuration; what was counted and spent stays. */
  configure(gateway: Config["gateway"]): void {
    this.#config = gateway;
    this.limits.configure(gateway.limits);
    this.budgets.configure(budgetOptions(gateway));
  }

  /** Teams of the database that are new or have changed. */
  applyTeams(teams: readonly TeamRecord[]): void {
    for (const { name, budget, deleted } of teams) this.budgets.setTeam(name, deleted ? undefined : budget);
  }

  #admissionOf({ redis, velocity, telemetry }: MoneyParts, local: LocalAdmission): Admission {
    if (redis === undefined) return local;
    const ipRequestsPerMinute = (): number => this.#config.ipRequestsPerMinute;
    const own = { local, limits: this.limits, budgets: this.budgets };
    return new SharedAdmission({ ...own, redis, velocity, telemetry, ipRequestsPerMinute });
  }

  async close(): Promise<void> {
    await Promise.all([this.#abandonedLogs?.close(), this.#rollUp.close()]);
  }
}

function budgetOptions({ budgets, limits }: Config["gateway"]): Omit<BudgetOptions, "telemetry" | "logger"> {
  return { periods: new Periods(budgets.timeZone), dailySpendUsd: limits.dailySpendUsd, teams: budgets.teams };
}
