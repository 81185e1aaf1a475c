import type { Budget } from "../../config/access.ts";
import type { Logger } from "../../runtime/logger.ts";
import { GatewayError } from "../errors.ts";
import type { ClientIdentity, Telemetry } from "../request-record.ts";
import { toNanoUsd, toUsd } from "./nano-usd.ts";
import type { Period, Periods } from "./periods.ts";

/** Keys and teams whose spending is held: more than there can be (`KEYS_MAX`, `TEAMS_MAX`) with some revoked ones. */
const ACCOUNTS_MAX = 150_000;
const WARNING_PERCENTS = [95, 80] as const;
const PERIOD_NAMES = ["day", "month"] as const;
export type PeriodName = (typeof PERIOD_NAMES)[number];

/** What a request may cost, held of its key's and its team's budgets until it is settled. */
export interface BudgetHold {
  /** Replaces the held amount by the real one, in nano-dollars. Once. */
  settle(nanoUsd: number): void;
}

const NO_HOLD: BudgetHold = { settle: () => undefined };

/** Amounts of one scope in the current periods, as a database knows them. */
export interface SpentRow {
  /** `key:id` or `team:name`. */
  readonly scope: string;
  readonly period: PeriodName;
  readonly startMs: number;
  /** By this gateway, and by all others. */
  readonly ownNanoUsd: number;
  readonly othersNanoUsd: number;
}

interface Spent {
  startMs: number;
  own: number;
  others: number;
  /** Last warning given, in percent. */
  warned: number;
}

interface Account {
  readonly day: Spent;
  readonly month: Spent;
  /** Of requests that are open. */
  held: number;
}

/** One budget that a request counts against. */
export interface Charge {
  readonly scope: string;
  readonly kind: "key" | "team";
  readonly caps: Budget;
  /** The daily cap of keys that have no budget of their own. */
  readonly isDefault: boolean;
}

export interface BudgetOptions {
  readonly periods: Periods;
  readonly telemetry: Telemetry;
  /** Where warnings are written as well, for those who run no log store. */
  readonly logger?: Pick<Logger, "warn">;
  /** USD a day of keys without a budget. */
  readonly dailySpendUsd: number;
  readonly teams?: Readonly<Record<string, Budget>>;
  readonly now?: () => number;
}

/**
 * Budgets of keys and teams per day and month, in memory. What a request may cost at most is held before the call and
 * replaced by its cost afterwards: as long as no request costs more than was held for it, no budget is ever overdrawn,
 * however many come at once.
 */
export class Budgets {
  readonly #telemetry: Telemetry;
  readonly #logger: Pick<Logger, "warn"> | undefined;
  readonly #now: () => number;
  readonly #accounts = new Map<string, Account>();
  #periods: Periods;
  #dailySpendUsd: number;
  #configuredTeams: Readonly<Record<string, Budget>>;
  readonly #storedTeams = new Map<string, Budget>();

  constructor(options: BudgetOptions) {
    this.#telemetry = options.telemetry;
    this.#logger = options.logger;
    this.#now = options.now ?? Date.now;
    this.#periods = options.periods;
    this.#dailySpendUsd = options.dailySpendUsd;
    this.#configuredTeams = options.teams ?? {};
  }

  get periods(): Periods {
    return this.#periods;
  }

  /** Takes over another configuration; what has been spent stays, where the time zone does. */
  configure({ periods, dailySpendUsd, teams }: Pick<BudgetOptions, "periods" | "dailySpendUsd" | "teams">): void {
    if (periods.timeZone !== this.#periods.timeZone) this.#periods = periods;
    this.#dailySpendUsd = dailySpendUsd;
    this.#configuredTeams = teams ?? {};
  }

  /** Sets or, with undefined, removes the budget of a team of the database; the configuration's go before. */
  setTeam(name: string, budget: Budget | undefined): void {
    if (budget === undefined) this.#storedTeams.delete(name);
    else this.#storedTeams.set(name, budget);
  }

  /**
   * Holds what a request may cost.
   * @throws GatewayError DAILY_SPEND_QUOTA_EXCEEDED, BUDGET_QUOTA_EXCEEDED; nothing is held then.
   */
  hold(client: ClientIdentity, nanoUsd: number): BudgetHold {
    if (client.unlimited) return NO_HOLD;
    const charges = this.chargesOf(client);
    const nowMs = this.#now();
    for (const charge of charges) this.#check(charge, this.#account(charge.scope, nowMs), nanoUsd);
    return this.note(client, charges, nanoUsd);
  }

  /** Holds without asking: what somebody else has let in. */
  note(client: ClientIdentity, charges: readonly Charge[], nanoUsd: number): BudgetHold {
    const nowMs = this.#now();
    const accounts = charges.map(({ scope }) => this.#account(scope, nowMs));
    for (const account of accounts) account.held += nanoUsd;
    let settled = false;
    return {
      settle: (costNanoUsd) => {
        if (settled) return;
        settled = true;
        const settledMs = this.#now();
        for (const [index, charge] of charges.entries()) {
          accounts[index]!.held -= nanoUsd;
          this.#spend(client, charge, costNanoUsd, settledMs);
        }
        this.#refund(nanoUsd - costNanoUsd, costNanoUsd === 0);
      },
    };
  }

  /** The budgets that a request of this client counts against, whether or not they have a cap. */
  chargesOf(client: ClientIdentity): Charge[] {
    const isDefault = client.budget === undefined;
    const caps = client.budget ?? { dayUsd: this.#dailySpendUsd };
    const charges: Charge[] = [{ scope: `key:${client.keyId ?? client.keyName}`, kind: "key", caps, isDefault }];
    if (client.team !== undefined) {
      const team = this.#configuredTeams[client.team] ?? this.#storedTeams.get(client.team) ?? {};
      charges.push({ scope: `team:${client.team}`, kind: "team", caps: team, isDefault: false });
    }
    return charges;
  }

  /**
   * Takes over what the database knows of the current periods. Of this gateway's own spending the larger number is
   * right: the database lags behind by what is not yet rolled up, this process by what was spent before it started.
   */
  load(rows: readonly SpentRow[]): void {
    const nowMs = this.#now();
    for (const row of rows) {
      const spent = this.#account(row.scope, nowMs)[row.period];
      if (spent.startMs !== row.startMs) continue;
      spent.own = Math.max(spent.own, row.ownNanoUsd);
      spent.others = row.othersNanoUsd;
    }
  }

  /** What a key or team has spent and holds in the current day and month, nano-dollars. */
  spentBy(scope: string): { day: number; month: number; held: number } {
    const { day, month, held } = this.#account(scope, this.#now());
    return { day: day.own + day.others, month: month.own + month.others, held };
  }

  /**
   * What is left of a client's own budget, US dollars: of the month where it has one, else of the day. Undefined without
   * a cap. Changes nothing, as `/metrics` asks it of every key.
   */
  leftUsd(client: ClientIdentity): number | undefined {
    const [{ scope, caps } = { scope: "", caps: {} }] = this.chargesOf(client);
    const name: PeriodName = caps.monthUsd === undefined ? "day" : "month";
    const capUsd = name === "day" ? caps.dayUsd : caps.monthUsd;
    if (capUsd === undefined) return undefined;
    const spent = this.#accounts.get(scope)?.[name];
    if (spent === undefined || spent.startMs !== this.#period(name, this.#now()).startMs) return capUsd;
    return Math.max(0, capUsd - toUsd(spent.own + spent.others));
  }

  #check({ kind, caps, isDefault }: Charge, account: Account, nanoUsd: number): void {
    for (const name of PERIOD_NAMES) {
      const capUsd = name === "day" ? caps.dayUsd : caps.monthUsd;
      if (capUsd === undefined) continue;
      const spent = account[name];
      const left = toNanoUsd(capUsd) - spent.own - spent.others - account.held;
      if (nanoUsd > left) throw this.refusal({ kind, caps, isDefault }, name, left, nanoUsd);
    }
  }

  /** The error of a request that a budget does not cover; telemetry hears of it. */
  refusal(
    { kind, caps, isDefault }: Omit<Charge, "scope">,
    name: PeriodName,
    left: number,
    nanoUsd: number,
  ): GatewayError {
    const nowMs = this.#now();
    const capUsd = (name === "day" ? caps.dayUsd : caps.monthUsd) ?? 0;
    this.#telemetry.event("rateLimited", { limitType: "daily_quota" });
    const { endMs } = this.#period(name, nowMs);
    const retryAfterSeconds = Math.max(1, Math.ceil((endMs - nowMs) / 1_000));
    const headers = {
      "x-ratelimit-reason": isDefault ? "daily_spend" : `budget_per_${name}`,
      "x-ratelimit-scope": kind,
      // Clients that would try again by themselves are told not to: the budget comes back in hours, not in seconds.
      "x-should-retry": "false",
    };
    if (isDefault) {
      const detail = { capUsd, retryAfterSeconds };
      return new GatewayError("DAILY_SPEND_QUOTA_EXCEEDED", detail, { retryAfterSeconds, headers });
    }
    const detail = { scope: kind, period: name, capUsd, leftUsd: toUsd(Math.max(0, left)), needsUsd: toUsd(nanoUsd) };
    return new GatewayError("BUDGET_QUOTA_EXCEEDED", detail, { retryAfterSeconds, headers });
  }

  #spend(client: ClientIdentity, { scope, kind, caps }: Charge, nanoUsd: number, nowMs: number): void {
    const account = this.#account(scope, nowMs);
    for (const name of PERIOD_NAMES) {
      const spent = account[name];
      spent.own += nanoUsd;
      const capUsd = name === "day" ? caps.dayUsd : caps.monthUsd;
      if (capUsd === undefined) continue;
      const spentUsd = toUsd(spent.own + spent.others);
      const percent = WARNING_PERCENTS.find((warning) => spentUsd >= (capUsd * warning) / 100);
      if (percent === undefined || percent <= spent.warned) continue;
      spent.warned = percent;
      const keyName = kind === "key" ? client.keyName : scope;
      const detail = { budgetOf: keyName, percent, spentUsd, capUsd, period: name };
      this.#telemetry.event("spendWarning", { keyName, percent, spentUsd, capUsd, period: name });
      this.#logger?.warn(detail, "budget is nearly spent");
    }
  }

  #refund(nanoUsd: number, failed: boolean): void {
    if (nanoUsd <= 0) return;
    const detail = { reason: failed ? "request_failed" : "over_reserved", amountUsd: toUsd(nanoUsd) };
    this.#telemetry.event("creditRefunded", detail);
  }

  #period(name: PeriodName, nowMs: number): Period {
    return name === "day" ? this.#periods.day(nowMs) : this.#periods.month(nowMs);
  }

  #account(scope: string, nowMs: number): Account {
    let account = this.#accounts.get(scope);
    if (account === undefined) {
      account = { day: nothingSpent(), month: nothingSpent(), held: 0 };
      if (this.#accounts.size >= ACCOUNTS_MAX) this.#dropQuiet();
      this.#accounts.set(scope, account);
    }
    begin(account.day, this.#periods.day(nowMs));
    begin(account.month, this.#periods.month(nowMs));
    return account;
  }

  #dropQuiet(): void {
    for (const [scope, { held }] of this.#accounts) {
      if (held > 0) continue;
      this.#accounts.delete(scope);
      return;
    }
  }
}

/** Forgets what was spent in a day or month that has ended. */
function begin(spent: Spent, { startMs }: Period): void {
  if (spent.startMs === startMs) return;
  spent.startMs = startMs;
  spent.own = 0;
  spent.others = 0;
  spent.warned = 0;
}

function nothingSpent(): Spent {
  return { startMs: 0, own: 0, others: 0, warned: 0 };
}
