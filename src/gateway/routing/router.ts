import type { Config } from "../../config/schema.ts";
import { allowedTargets } from "../access/model-access.ts";
import { GatewayError } from "../errors.ts";
import { ATTEMPTS_MAX } from "../limits.ts";
import type { Catalog } from "../providers/catalog.ts";
import type { Provider } from "../providers/provider.ts";
import type { ClientIdentity, PassedOver, RoutingDecision, Telemetry } from "../request-record.ts";
import type { Prices } from "../usage/prices.ts";
import type { AvailabilityBreakers } from "./availability-breaker.ts";
import type { Breakers } from "./breakers.ts";
import { Candidates } from "./candidates.ts";
import type { HealthJudge } from "./health-view.ts";
import type { LatencyBook } from "./latency-book.ts";
import { type Allowance, allowed, orderByHealth, preferred, sortedBy } from "./order-targets.ts";
import { NO_WISHES, type RoutingWishes } from "./preferences.ts";
import { resolveAll, type Target } from "./resolve.ts";
import { confidence, type Policy, type Ranking, rank } from "./smart-router.ts";

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
  /** Some keys have aliases of their own, a fallback, and models and providers that they may not use. */
  readonly client: ClientIdentity;
  /** A probe of the health service asks one provider and nobody else. */
  readonly probe: boolean;
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
  /** The name that the key's rights are held against. */
  readonly asked: string;
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
    const { model, wishes, client } = question;
    const special = this.#aliasOf(model, client) !== undefined || AUTO.test(model) || model.endsWith(FREE_SUFFIX);
    if (special || wishes !== NO_WISHES || isRestricted(client)) return this.#build(question);
    const nowMs = performance.now();
    const kept = this.#kept.get(model);
    if (kept !== undefined && nowMs - kept.atMs < PLAN_KEPT_MS) return kept.plan;
    const plan = await this.#build(question);
    if (this.#kept.size >= PLANS_KEPT_MAX) this.#kept.clear();
    this.#kept.set(model, { plan, atMs: nowMs });
    return plan;
  }

  /** Makes every plan anew: providers or aliases have changed. */
  forget(): void {
    this.#kept.clear();
    this.#candidates.forget();
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
    const { model, wishes, client } = question;
    const alias = this.#aliasOf(model, client);
    const policy = alias?.policy ?? autoPolicy(model) ?? (wishes.autoRouting ? "balanced" : undefined);
    if (policy !== undefined) await this.#parts.prices.load();
    const passedOver: PassedOver[] = [];
    const rules = rulesOf(wishes, alias);
    const targets: Target[] = [];
    let missing: GatewayError | undefined;
    let sureness: number | undefined;
    let reason: string | undefined;
    for (const [index, step] of this.#steps(question, alias, policy).entries()) {
      const found = await this.#found(step, wishes, passedOver);
      missing ??= found.missing;
      const rightful = permitted(client, step.asked, found.targets);
      if (rightful instanceof GatewayError) missing ??= rightful;
      const may = allowed(rightful instanceof GatewayError ? [] : rightful, rules, passedOver);
      if (isDenied(wishes, found.targets, may)) {
        passedOver.push({ provider: wishes.provider!.order[0]!, model: step.asked, reason: "not_allowed" });
        continue;
      }
      const ranking = step.policy === undefined ? undefined : this.#ranked(may, step.policy, passedOver);
      sureness ??= ranking?.sureness;
      reason ??= ranking?.reason;
      for (const target of this.#ordered(ranking?.targets ?? may, wishes, passedOver)) {
        const known = targets.some(({ provider, model: id }) => provider === target.provider && id === target.model);
        if (!known) targets.push({ ...target, step: index });
      }
    }
    if (targets.length === 0) throw nobody(model, passedOver, missing);
    const durationMs = performance.now() - beganAt;
    if (policy !== undefined) this.#tell(policy, targets[0]!, durationMs, sureness ?? 1, reason);
    const strategy = strategyOf(alias, policy, wishes);
    return {
      targets: targets.slice(0, ATTEMPTS_MAX),
      moveOn: this.#moveOn(question, alias),
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

  #aliasOf(model: string, { keyName }: ClientIdentity): Alias | undefined {
    const { aliases, routing } = this.#parts.config;
    const own = Object.hasOwn(routing.keys, keyName) ? routing.keys[keyName]!.aliases : undefined;
    if (own !== undefined && Object.hasOwn(own, model)) return own[model];
    return Object.hasOwn(aliases, model) ? aliases[model] : undefined;
  }

  /** What may move the request on beside the statuses that always do: an alias, the key's, or the client's own list. */
  #moveOn({ wishes, client }: RouteQuestion, alias: Alias | undefined): ReadonlySet<number> {
    const list = alias ?? (client.fallback === undefined ? undefined : this.#aliasOf(client.fallback, client));
    if (list !== undefined) return new Set(list.fallbackOn);
    return wishes.models.length > 0 ? BUSY : NO_STATUSES;
  }

  #steps({ model, wishes, client }: RouteQuestion, alias: Alias | undefined, policy: Policy | undefined): Step[] {
    const asked = alias === undefined ? undefined : model;
    const single = (name: string): Step => ({ asked: name, models: [name], policy: undefined });
    const ofAlias = (name: string): Step => ({ asked: asked ?? name, models: [name], policy: undefined });
    const more = wishes.models.filter((name) => name !== model).map(single);
    more.push(...this.#lastSteps(client));
    if (alias !== undefined) {
      const ranked: Step = { asked: model, models: alias.models, policy };
      const first = alias.policy === undefined ? alias.models.map(ofAlias) : [ranked];
      return [...first, ...alias.fallback.map(ofAlias), ...more];
    }
    if (autoPolicy(model) !== undefined) return [this.#autoStep(model, policy!), ...more];
    return [{ asked: model, models: [model], policy }, ...more];
  }

  /** The models of the alias that stands behind everything that this key asks. */
  #lastSteps(client: ClientIdentity): Step[] {
    const { fallback } = client;
    const alias = fallback === undefined ? undefined : this.#aliasOf(fallback, client);
    if (fallback === undefined || alias === undefined) return [];
    return [...alias.models, ...alias.fallback].map((name) => ({ asked: fallback, models: [name], policy: undefined }));
  }

  #autoStep(asked: string, policy: Policy): Step {
    const { auto } = this.#parts.config.routing;
    if (auto.length > 0) return { asked, models: auto.map((entry) => entry.model), policy };
    return { asked, models: [], policy, targets: this.#candidates.shortlist(policy, this.#parts.config.routing) };
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
  ): { readonly targets: readonly Target[]; readonly sureness: number; readonly reason: string | undefined } {
    const described = new Map(targets.map((target) => [this.#candidates.describe(target), target]));
    const ranking = rank([...described.keys()], policy, this.#parts.config.routing);
    for (const { candidate, reason } of ranking.excluded) {
      passedOver.push({ provider: candidate.provider, model: candidate.model, reason });
    }
    const chosen = ranking.ranked.map(({ candidate }) => described.get(candidate)!);
    // Where every breaker is open, the first is tried anyway, as everywhere.
    const open = ranking.excluded.filter(({ reason }) => reason === "breaker_open");
    const anyway = chosen.length > 0 ? chosen : open.map(({ candidate }) => described.get(candidate)!);
    const reason = chosen.length === 0 ? "all_open" : isBlind(ranking, policy) ? "no_data" : undefined;
    return { targets: anyway, sureness: confidence(ranking), reason };
  }

  #ordered(targets: readonly Target[], { provider: wish }: RoutingWishes, passedOver: PassedOver[]): Target[] {
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
    return wish === undefined ? healthy : preferred(healthy, wish);
  }

  #tell(
    policy: Policy,
    { provider, model }: Target,
    durationMs: number,
    sureness: number,
    reason: string | undefined,
  ): void {
    this.#parts.telemetry.event("routerDecided", {
      mode: policy,
      selectedModel: model,
      provider: provider.name,
      seconds: durationMs / 1_000,
      confidence: sureness,
      ...(reason !== undefined && { fallbackReason: reason }),
    });
  }
}

function autoPolicy(model: string): Policy | undefined {
  const match = AUTO.exec(model);
  return match === null ? undefined : ((match[1] as Policy | undefined) ?? "balanced");
}

/** Whether nothing is known of what the policy goes by: the choice is then by the rules for ties. */
function isBlind({ ranked }: Ranking, policy: Policy): boolean {
  if (policy === "latency") return ranked.every(({ candidate }) => candidate.p95Ms === undefined);
  return policy === "cost" && ranked.every(({ candidate }) => candidate.costUsd === undefined);
}

/** What keeps a key's plans apart from everybody's. */
function isRestricted({ allowedModels, allowedProviders, fallback }: ClientIdentity): boolean {
  return allowedModels !== undefined || allowedProviders !== undefined || fallback !== undefined;
}

/** The targets that the key may use, or the error that says that there is none. */
function permitted(
  client: ClientIdentity,
  asked: string,
  targets: readonly Target[],
): readonly Target[] | GatewayError {
  if (targets.length === 0) return targets;
  try {
    return allowedTargets(client, asked, targets);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

/**
 * Whether the provider that the client named serves the model and may not be asked. The request ends then: who names one
 * and silently gets another would look for the difference in the wrong place.
 */
function isDenied({ provider: wish }: RoutingWishes, served: readonly Target[], may: readonly Target[]): boolean {
  if (wish?.named !== true) return false;
  const named = ({ provider }: Target): boolean => provider.name === wish.order[0];
  return served.some(named) && !may.some(named);
}

function rulesOf(wishes: RoutingWishes, alias: Alias | undefined): Allowance[] {
  const rules: Allowance[] = [];
  if (wishes.provider !== undefined) rules.push(wishes.provider);
  if (alias?.providers !== undefined) rules.push({ only: alias.providers, ignore: [] });
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
