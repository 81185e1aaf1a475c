import type { Config } from "../../config/schema.ts";
import { GatewayError } from "../errors.ts";
import { ATTEMPTS_MAX } from "../limits.ts";
import type { Catalog } from "../providers/catalog.ts";
import type { Provider } from "../providers/provider.ts";
import type { PassedOver, RoutingDecision, Telemetry } from "../request-record.ts";
import type { Prices } from "../usage/prices.ts";
import type { AvailabilityBreakers } from "./availability-breaker.ts";
import type { Breakers } from "./breakers.ts";
import { Candidates } from "./candidates.ts";
import type { HealthJudge } from "./health-view.ts";
import type { LatencyBook } from "./latency-book.ts";
import { type Allowance, allowed, orderByHealth, preferred, sortedBy } from "./order-targets.ts";
import type { RoutingWishes } from "./preferences.ts";
import { resolveAll, type Target } from "./resolve.ts";
import { confidence, type Policy, rank } from "./smart-router.ts";

type GatewayConfig = Config["gateway"];
type Alias = GatewayConfig["aliases"][string];

/** The names under which the smart router chooses the model; `auto` alone is `auto:balanced`. */
const AUTO = /^auto(?::(cost|latency|quality|balanced))?$/;
const FREE_SUFFIX = ":free";
/** Plain plans (no alias, no wishes) are kept this long, so that a busy model is looked up once and not at every request. */
const PLAN_KEPT_MS = 1_000;
const PLANS_KEPT_MAX = 500;
const CANDIDATES_SHOWN_MAX = 10;
const PASSED_OVER_MAX = 20;
const NO_STATUSES: ReadonlySet<number> = new Set();
/** A client's own list of models is to be gone through when the first is busy, too. */
const BUSY: ReadonlySet<number> = new Set([429]);

/** Who is asked, in which order, and what moves a request on. */
export interface RoutePlan {
  /** At least one, at most ATTEMPTS_MAX. */
  readonly targets: readonly Target[];
  /** Statuses that, beside those that always fail over, move on to the next step of the targets. */
  readonly moveOn: ReadonlySet<number>;
  /** Undefined for a plain list of providers in their order. */
  readonly decision: RoutingDecision | undefined;
}

export interface RouteQuestion {
  readonly model: string;
  readonly wishes: RoutingWishes;
  /** Name of the client's key: some keys have aliases of their own. */
  readonly keyName: string;
  /** A probe of the health service asks one provider and nobody else. */
  readonly probe: boolean;
  /** Providers that the key may use; undefined allows all. */
  readonly providersAllowed?: readonly string[] | undefined;
}

export interface RouterParts {
  readonly config: GatewayConfig;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly catalog: Catalog;
  readonly breakers: Breakers;
  readonly availability: AvailabilityBreakers;
  /** Times to an answer, ms. */
  readonly latency: LatencyBook;
  /** Times per output token, ms. */
  readonly pace: LatencyBook;
  readonly health: () => HealthJudge;
  readonly prices: Prices;
  readonly telemetry: Telemetry;
}

/** One group of models that stand at the same place of a plan. */
interface Step {
  readonly models: readonly string[];
  readonly policy: Policy | undefined;
  /** Set for `auto`: its candidates are known already. */
  readonly targets?: readonly Target[];
}

/** Makes the plan of a request: from a model's name, aliases, wishes, policies and health to a list of providers. */
export class Router {
  readonly #parts: RouterParts;
  readonly #candidates: Candidates;
  readonly #kept = new Map<string, { readonly plan: RoutePlan; readonly atMs: number }>();

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#candidates = new Candidates({ ...parts, config: parts.config.routing });
  }

  /**
   * @throws GatewayError NO_PROVIDER_CONFIGURED, PROVIDER_NOT_FOUND, MODEL_NOT_FOUND, NO_PROVIDER_ALLOWED.
   */
  async plan(question: RouteQuestion): Promise<RoutePlan> {
    if (question.probe) return this.#probePlan(question);
    const { model, wishes, keyName, providersAllowed } = question;
    const plain =
      wishes.provider === undefined && wishes.models.length === 0 && !wishes.autoRouting && !providersAllowed;
    if (!plain || this.#aliasOf(model, keyName) !== undefined || AUTO.test(model) || model.endsWith(FREE_SUFFIX)) {
      return this.#build(question);
    }
    const nowMs = performance.now();
    const kept = this.#kept.get(model);
    if (kept !== undefined && nowMs - kept.atMs < PLAN_KEPT_MS) return kept.plan;
    const plan = await this.#build(question);
    if (this.#kept.size >= PLANS_KEPT_MAX) this.#kept.clear();
    this.#kept.set(model, { plan, atMs: nowMs });
    return plan;
  }

  async #probePlan({ model, wishes }: RouteQuestion): Promise<RoutePlan> {
    const { providers, catalog, config } = this.#parts;
    const name = wishes.provider?.order[0];
    const targets = await resolveAll(providers, catalog, model, name, config.routing.chain);
    return {
      targets: targets.slice(0, name === undefined ? ATTEMPTS_MAX : 1),
      moveOn: NO_STATUSES,
      decision: undefined,
    };
  }

  async #build(question: RouteQuestion): Promise<RoutePlan> {
    const beganAt = performance.now();
    const { model, wishes, keyName } = question;
    const alias = this.#aliasOf(model, keyName);
    const policy = alias?.policy ?? autoPolicy(model) ?? (wishes.autoRouting ? "balanced" : undefined);
    if (policy !== undefined) await this.#parts.prices.load();
    const passedOver: PassedOver[] = [];
    const rules = rulesOf(question, alias);
    const targets: Target[] = [];
    let missing: GatewayError | undefined;
    let sureness: number | undefined;
    for (const [index, step] of this.#steps(model, alias, policy, wishes).entries()) {
      const found = await this.#found(step, wishes, passedOver);
      missing ??= found.missing;
      const may = allowed(found.targets, rules, passedOver);
      const ranking = step.policy === undefined ? undefined : this.#ranked(may, step.policy, passedOver);
      sureness ??= ranking?.sureness;
      for (const target of this.#ordered(ranking?.targets ?? may, step, wishes, passedOver)) {
        const known = targets.some(({ provider, model: id }) => provider === target.provider && id === target.model);
        if (!known) targets.push({ ...target, step: index });
      }
    }
    if (targets.length === 0) throw nobody(model, passedOver, missing);
    const durationMs = performance.now() - beganAt;
    if (policy !== undefined) this.#tell(policy, targets[0]!, durationMs, sureness ?? 1);
    const strategy = strategyOf(alias, policy, wishes);
    return {
      targets: targets.slice(0, ATTEMPTS_MAX),
      moveOn: alias !== undefined ? new Set(alias.fallbackOn) : wishes.models.length > 0 ? BUSY : NO_STATUSES,
      decision:
        strategy === undefined && passedOver.length === 0
          ? undefined
          : {
              strategy: strategy ?? "priority_failover",
              ...(policy !== undefined && { policy }),
              ...(alias !== undefined && { alias: model }),
              candidates: targets
                .slice(0, CANDIDATES_SHOWN_MAX)
                .map((target) => `${target.provider.name}/${target.model}`),
              passedOver: passedOver.slice(0, PASSED_OVER_MAX),
              ...(sureness !== undefined && { confidence: sureness }),
              durationMs,
            },
    };
  }

  #aliasOf(model: string, keyName: string): Alias | undefined {
    const { aliases, routing } = this.#parts.config;
    const own = Object.hasOwn(routing.keys, keyName) ? routing.keys[keyName]!.aliases : undefined;
    if (own !== undefined && Object.hasOwn(own, model)) return own[model];
    return Object.hasOwn(aliases, model) ? aliases[model] : undefined;
  }

  #steps(model: string, alias: Alias | undefined, policy: Policy | undefined, wishes: RoutingWishes): Step[] {
    const single = (name: string): Step => ({ models: [name], policy: undefined });
    const more = wishes.models.filter((name) => name !== model).map(single);
    if (alias !== undefined) {
      const first: Step[] = alias.policy === undefined ? alias.models.map(single) : [{ models: alias.models, policy }];
      return [...first, ...alias.fallback.map(single), ...more];
    }
    if (autoPolicy(model) !== undefined) return [this.#autoStep(policy!), ...more];
    return [{ models: [model], policy }, ...more];
  }

  #autoStep(policy: Policy): Step {
    const { auto } = this.#parts.config.routing;
    if (auto.length > 0) return { models: auto.map((entry) => entry.model), policy };
    return { models: [], policy, targets: this.#candidates.shortlist(policy, this.#parts.config.routing) };
  }

  /** Who serves the step's models; a model that nobody serves is passed over, and is the error when it is the only one. */
  async #found(
    step: Step,
    wishes: RoutingWishes,
    passedOver: PassedOver[],
  ): Promise<{ targets: readonly Target[]; missing?: GatewayError }> {
    if (step.targets !== undefined) return { targets: step.targets };
    const targets: Target[] = [];
    let missing: GatewayError | undefined;
    for (const model of step.models) {
      try {
        targets.push(...(await this.#serving(model, wishes, passedOver)));
      } catch (error) {
        const unserved = error instanceof GatewayError && /^(MODEL|PROVIDER)_NOT_FOUND$/.test(error.code);
        if (!unserved) throw error;
        missing ??= error;
        passedOver.push({ provider: wishes.provider?.order[0] ?? "", model, reason: "not_served" });
      }
    }
    return missing === undefined ? { targets } : { targets, missing };
  }

  async #serving(model: string, { provider: wish }: RoutingWishes, passedOver: PassedOver[]): Promise<Target[]> {
    const { providers, catalog, config, breakers } = this.#parts;
    const resolve = (id: string, name: string | undefined): Promise<Target[]> => {
      return resolveAll(providers, catalog, id, name, config.routing.chain);
    };
    if (wish?.named) return resolve(model, wish.order[0]);
    const extra = [...(wish?.order ?? []), ...(wish?.only ?? [])];
    if (extra.length > 0) return this.#servingAt(model, extra, resolve, passedOver);
    const targets = await resolve(model, undefined);
    // Contract section 5: a free model may leave OpenRouter while that is down, without its suffix.
    if (model.endsWith(FREE_SUFFIX) && breakers.of("openrouter")?.state === "open") {
      const paid = await resolve(model.slice(0, -FREE_SUFFIX.length), undefined).catch(unlessNotFound);
      targets.push(...paid.filter(({ provider }) => provider.name !== "openrouter"));
    }
    return targets;
  }

  /** As the model's own providers, and those that the client names though nothing says that they serve it. */
  async #servingAt(
    model: string,
    names: readonly string[],
    resolve: (id: string, name: string | undefined) => Promise<Target[]>,
    passedOver: PassedOver[],
  ): Promise<Target[]> {
    const targets = await resolve(model, undefined).catch(unlessNotFound);
    for (const name of new Set(names)) {
      if (targets.some(({ provider }) => provider.name === name)) continue;
      const [named] = await resolve(model, name).catch(unlessNotFound);
      if (named !== undefined) targets.push(named);
      else passedOver.push({ provider: name, model, reason: "not_served" });
    }
    return targets;
  }

  #ranked(
    targets: readonly Target[],
    policy: Policy,
    passedOver: PassedOver[],
  ): { readonly targets: readonly Target[]; readonly sureness: number } {
    const described = new Map(targets.map((target) => [this.#candidates.describe(target), target]));
    const ranking = rank([...described.keys()], policy, this.#parts.config.routing);
    for (const { candidate, reason } of ranking.excluded) {
      passedOver.push({ provider: candidate.provider, model: candidate.model, reason });
    }
    const chosen = ranking.ranked.map(({ candidate }) => described.get(candidate)!);
    // Where every breaker is open, the first is tried anyway, as everywhere.
    const open = ranking.excluded.filter(({ reason }) => reason === "breaker_open");
    const anyway = chosen.length > 0 ? chosen : open.map(({ candidate }) => described.get(candidate)!);
    return { targets: anyway, sureness: confidence(ranking) };
  }

  #ordered(
    targets: readonly Target[],
    step: Step,
    { provider: wish }: RoutingWishes,
    passedOver: PassedOver[],
  ): Target[] {
    const { latency, pace, health } = this.#parts;
    let ordered: readonly Target[] = targets;
    switch (wish?.sort) {
      case "price":
        ordered = sortedBy(ordered, (target) => this.#candidates.costOf(target));
        break;
      case "latency":
        ordered = sortedBy(ordered, ({ provider, model }) => latency.quantile(provider.name, model, 0.5));
        break;
      case "throughput":
        ordered = sortedBy(ordered, ({ provider, model }) => pace.quantile(provider.name, model, 0.5));
        break;
    }
    // What the client asks for by name comes first, whatever its health; the rest goes by it.
    const healthy = wish?.named ? [...ordered] : orderByHealth(ordered, health(), passedOver);
    return wish === undefined || step.targets !== undefined ? healthy : preferred(healthy, wish);
  }

  #tell(policy: Policy, { provider, model }: Target, durationMs: number, sureness: number): void {
    this.#parts.telemetry.event("routerDecided", {
      mode: policy,
      selectedModel: model,
      provider: provider.name,
      seconds: durationMs / 1_000,
      confidence: sureness,
      ...(sureness === 0 && { fallbackReason: "all_open" }),
    });
  }
}

function autoPolicy(model: string): Policy | undefined {
  const match = AUTO.exec(model);
  return match === null ? undefined : ((match[1] as Policy | undefined) ?? "balanced");
}

function rulesOf({ wishes, providersAllowed }: RouteQuestion, alias: Alias | undefined): Allowance[] {
  const rules: Allowance[] = [];
  if (wishes.provider !== undefined) rules.push(wishes.provider);
  if (alias?.providers !== undefined) rules.push({ only: alias.providers, ignore: [] });
  if (providersAllowed !== undefined) rules.push({ only: providersAllowed, ignore: [] });
  return rules;
}

/** Why no target is left. */
function nobody(model: string, passedOver: readonly PassedOver[], missing: GatewayError | undefined): GatewayError {
  if (passedOver.some(({ reason }) => reason === "not_allowed")) {
    return new GatewayError("NO_PROVIDER_ALLOWED", { model }, { param: "provider" });
  }
  return missing ?? new GatewayError("MODEL_NOT_FOUND", { model }, { param: "model" });
}

function strategyOf(alias: Alias | undefined, policy: Policy | undefined, wishes: RoutingWishes): string | undefined {
  if (alias !== undefined) return "alias";
  if (policy !== undefined) return "smart";
  if (wishes.provider !== undefined) return "provider_preference";
  return wishes.models.length > 0 ? "model_fallback" : undefined;
}

function unlessNotFound(error: unknown): Target[] {
  if (error instanceof GatewayError && /^(MODEL|PROVIDER)_NOT_FOUND$/.test(error.code)) return [];
  throw error;
}
