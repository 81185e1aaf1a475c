import type { Config } from "../../config/schema.ts";
import type { CancelSignal } from "../cancellation.ts";
import { GatewayError } from "../errors.ts";
import { CALLS_MAX } from "../limits.ts";
import type { Credential } from "../providers/credential.ts";
import type { KeyLease, KeyPool } from "../providers/key-pool.ts";
import type { Provider } from "../providers/provider.ts";
import { nowMs, randomHex } from "../record.ts";
import type { AttemptRecord, Telemetry } from "../request-record.ts";
import { type Answer, type AttemptInput, sendAttempt } from "./attempt.ts";
import { AttemptFailure } from "./attempt-failure.ts";
import { attemptLimits, deadlineOf } from "./attempt-limits.ts";
import type { AvailabilityBreakers } from "./availability-breaker.ts";
import type { Breakers } from "./breakers.ts";
import { exhausted, finalError } from "./final-error.ts";
import { dispose, HEDGE_LOST, type Launched, launch } from "./hedge.ts";
import type { LatencyBook } from "./latency-book.ts";
import type { RateBudget } from "./rate-budget.ts";
import type { Target } from "./resolve.ts";
import type { RoutePlan } from "./router.ts";
import { settleAttempt } from "./settle-attempt.ts";

/** Less time than this is not worth another attempt. */
const ATTEMPT_MS_MIN = 250;

export interface FailoverContext {
  readonly config: Config["gateway"];
  readonly breakers: Breakers;
  readonly availability: AvailabilityBreakers;
  readonly latency: LatencyBook;
  readonly retryBudget: RateBudget;
  readonly hedgeBudget: RateBudget;
  readonly telemetry: Telemetry;
  /** Keys of streams that are open, by attempt. */
  readonly openLeases: WeakMap<AttemptRecord, KeyLease<Credential>>;
  keysOf(provider: Provider): KeyPool<Credential>;
}

/**
 * Tries the plan's targets in order until one answers; nothing has gone to the client yet. Targets with an open breaker
 * are passed over, unless all are open: then the first is tried anyway (contract section 5). When all have failed, those
 * whose failure may be over soon are tried again, after a random wait. A probe tries its target once, whatever breakers
 * say.
 * @throws GatewayError of the catalogue; the signal's reason.
 */
export function answerFrom(context: FailoverContext, input: AttemptInput, plan: RoutePlan): Promise<Answer> {
  return new Failover(context, input, plan).run();
}

type CallKind = NonNullable<AttemptRecord["kind"]>;
type Outcome = Answer | AttemptFailure;

class Failover {
  readonly #context: FailoverContext;
  readonly #input: AttemptInput;
  readonly #plan: RoutePlan;
  readonly #probe: boolean;
  readonly #allOpen: boolean;
  readonly #failures: AttemptFailure[] = [];
  /** The newest failure of each target that was asked. */
  readonly #asked = new Map<Target, AttemptFailure | undefined>();
  #calls = 0;

  constructor(context: FailoverContext, input: AttemptInput, plan: RoutePlan) {
    this.#context = context;
    this.#input = input;
    this.#plan = plan;
    this.#probe = input.record.probe;
    this.#allOpen = plan.targets.every((target) => this.#openBreaker(target) !== undefined);
  }

  async run(): Promise<Answer> {
    const { targets, moveOn } = this.#plan;
    const { retryBudget, hedgeBudget, telemetry } = this.#context;
    if (!this.#probe) {
      retryBudget.earn();
      hedgeBudget.earn();
    }
    let stepMin = 0;
    let stopped = this.#probe;
    for (const target of targets) {
      if (this.#asked.has(target) || (target.step ?? 0) < stepMin || this.#passOver(target)) continue;
      if (this.#calls > 0 && this.#leftMs(target) < ATTEMPT_MS_MIN) break;
      const outcome = await this.#ask(target, target === targets[0] ? "first" : "fallback");
      if (!(outcome instanceof AttemptFailure)) return outcome;
      this.#failed(target, outcome);
      if (outcome.keyFault === "limited") telemetry.event("rateLimited", { limitType: "provider_rate_limit" });
      if (this.#probe || this.#calls >= CALLS_MAX) break;
      if (outcome.failover) continue;
      stopped = outcome.status === undefined || !moveOn.has(outcome.status);
      if (stopped) break;
      stepMin = (target.step ?? 0) + 1;
    }
    const answer = stopped ? undefined : await this.#retry();
    if (answer !== undefined) return answer;
    throw finalError(this.#failures, this.#input.record.attempts);
  }

  #failed(target: Target, failure: AttemptFailure): void {
    this.#failures.push(failure);
    this.#asked.set(target, failure);
  }

  /** Which of the target's breakers is open, if one is. */
  #openBreaker({ provider, model }: Target): "CIRCUIT_BREAKER_OPEN" | "MODEL_BREAKER_OPEN" | undefined {
    if (this.#probe) return undefined;
    const { breakers, availability } = this.#context;
    if (breakers.of(provider.name)?.state === "open") return "CIRCUIT_BREAKER_OPEN";
    return availability.state(provider.name, model) === "open" ? "MODEL_BREAKER_OPEN" : undefined;
  }

  #passOver(target: Target): boolean {
    const open = this.#openBreaker(target);
    if (open === undefined || (this.#allOpen && target === this.#plan.targets[0])) return false;
    const attempt = this.#newAttempt(target, "first");
    const errorMessage = open === "CIRCUIT_BREAKER_OPEN" ? "circuit breaker open" : "breaker of this model open";
    Object.assign(attempt, { result: "skipped", errorType: open, errorMessage });
    if (open === "CIRCUIT_BREAKER_OPEN") {
      this.#context.telemetry.event("breakerRejected", { provider: target.provider.name });
    }
    return true;
  }

  /** Until the whole request is given up, ms. */
  #leftMs(target: Target): number {
    const { record, conversation } = this.#input;
    const { timeouts } = this.#context.config;
    const { attemptMs } = this.#limits(target);
    return deadlineOf(timeouts, record.startedAtMs, conversation.stream, attemptMs) - nowMs();
  }

  #limits({ provider, model }: Target): ReturnType<typeof attemptLimits> {
    const { timeouts, routing } = this.#context.config;
    const { stream, media } = this.#input.conversation;
    const floor = stream && media === undefined ? routing.firstContentBytesPerSecondMin : 0;
    return attemptLimits(timeouts, floor, provider, model, media?.patienceMs);
  }

  async #ask(target: Target, kind: CallKind): Promise<Outcome> {
    if (kind === "fallback") {
      const primary = this.#plan.targets[0]!.provider.name;
      this.#context.telemetry.event("fallbackActivated", { primary, fallback: target.provider.name });
    }
    const hedge = this.#hedgeOf(target);
    if (hedge !== undefined) return this.#askHedged(target, kind, hedge);
    return this.#askWithKeys(target, kind, this.#input.signal, 0);
  }

  /** Asks with one key after the other while the provider limits or refuses them. */
  async #askWithKeys(target: Target, kind: CallKind, signal: CancelSignal, waitedMs: number): Promise<Outcome> {
    const pool = this.#context.keysOf(target.provider);
    if (pool.size === 1) {
      const attempt = this.#newAttempt(target, kind, waitedMs);
      return this.#call(target, attempt, signal, false);
    }
    const tried = new Set<string>();
    for (;;) {
      const lease = pool.take(tried)!;
      tried.add(lease.name);
      const attempt = this.#newAttempt(target, tried.size === 1 ? kind : "key_rotation", waitedMs, lease.name);
      const more = (): boolean => pool.hasReady(tried) && this.#calls < CALLS_MAX && !this.#probe;
      const outcome = await this.#callWithKey({ ...target, credential: lease.secret }, attempt, signal, lease, more);
      if (!(outcome instanceof AttemptFailure) || outcome.keyFault === undefined) return outcome;
      if (!more()) return outcome.keyFault === "refused" ? exhausted(target, tried, outcome) : outcome;
      const { name } = target.provider;
      this.#context.telemetry.event("attemptRetried", { provider: name, model: target.model, reason: "key_rotated" });
    }
  }

  /** @param more Whether another key could be tried; then this one's failure is not the provider's. */
  async #callWithKey(
    target: Target,
    attempt: AttemptRecord,
    signal: CancelSignal,
    lease: KeyLease<Credential>,
    more: () => boolean,
  ): Promise<Outcome> {
    let outcome: Outcome;
    try {
      outcome = await this.#call(target, attempt, signal, true);
    } catch (error) {
      lease.released();
      throw error;
    }
    if (!(outcome instanceof AttemptFailure)) {
      lease.answered(outcome.headAtMs - attempt.startedAtMs);
      if (outcome.kind === "json") lease.released();
      else this.#context.openLeases.set(attempt, lease); // Until the stream is settled.
      return outcome;
    }
    if (outcome.keyFault === "limited") lease.limited(outcome.error.retryAfterSeconds ?? 0);
    else if (outcome.keyFault === "refused") lease.refused();
    else lease.released();
    this.#settle(attempt, outcome, outcome.countsAsFailure && !(outcome.keyFault !== undefined && more()));
    return outcome;
  }

  /** One call. @param settleLater Leaves a failure to the caller to settle. */
  async #call(target: Target, attempt: AttemptRecord, signal: CancelSignal, settleLater: boolean): Promise<Outcome> {
    this.#calls++;
    const input = signal === this.#input.signal ? this.#input : { ...this.#input, signal };
    const limits = this.#limits(target);
    const attemptMs = Math.max(1, Math.min(limits.attemptMs, this.#leftMs(target)));
    try {
      const answer = await sendAttempt(input, target, attempt, { ...limits, attemptMs });
      attempt.answeredAtMs = nowMs();
      // A stream's attempt is settled when the stream is over.
      if (answer.kind === "json") settleAttempt(this.#context, this.#probe, attempt, undefined);
      return answer;
    } catch (error) {
      if (error instanceof GatewayError && error.code === "NOT_TRANSLATABLE") {
        // Nothing was sent, so it says nothing about the provider.
        Object.assign(attempt, { result: "skipped", errorType: error.code, errorMessage: error.message });
        return new AttemptFailure(error, true, false);
      }
      if (!(error instanceof AttemptFailure)) {
        settleAttempt(this.#context, this.#probe, attempt, "cancelled");
        if (error !== HEDGE_LOST) this.#noteGivenUp(attempt);
        throw error;
      }
      if (!settleLater) this.#settle(attempt, error, error.countsAsFailure);
      return error;
    }
  }

  #settle(attempt: AttemptRecord, failure: AttemptFailure, counts: boolean): void {
    if (attempt.result === "pending") settleAttempt(this.#context, this.#probe, attempt, failure, counts);
  }

  /** Whoever leaves after the provider has got the request pays at least for its reading. */
  #noteGivenUp(attempt: AttemptRecord): void {
    const { conversation } = this.#input;
    if (!conversation.metered || attempt.connectedAtMs === undefined) return;
    attempt.spent ??= {
      inputTokens: conversation.estimateInputTokens(),
      outputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
      estimated: true,
    };
  }

  /** Tries again where a failure may be over soon: a bounded number of times, after full jitter, within the budget. */
  async #retry(): Promise<Answer | undefined> {
    const { config, retryBudget, telemetry } = this.#context;
    const { max, delay, delayMax } = config.retries;
    for (let retry = 0; retry < max && this.#calls < CALLS_MAX; retry++) {
      const target = this.#plan.targets.find((one) => {
        return this.#asked.get(one)?.retryable === true && this.#openBreaker(one) === undefined;
      });
      if (target === undefined) return undefined;
      const askedMs = (this.#asked.get(target)!.error.retryAfterSeconds ?? 0) * 1_000;
      const waitMs = Math.max(askedMs, Math.random() * Math.min(delayMax, delay * 2 ** retry));
      const late = waitMs > delayMax || this.#leftMs(target) < waitMs + ATTEMPT_MS_MIN;
      if (late || !retryBudget.spend()) return undefined;
      await this.#wait(waitMs);
      telemetry.event("attemptRetried", { provider: target.provider.name, model: target.model, reason: "retry" });
      const outcome = await this.#askWithKeys(target, "retry", this.#input.signal, waitMs);
      if (!(outcome instanceof AttemptFailure)) return outcome;
      this.#failed(target, outcome);
      if (!outcome.failover) return undefined;
    }
    return undefined;
  }

  async #wait(ms: number): Promise<void> {
    const { signal } = this.#input;
    signal.throwIfAborted();
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
    });
    signal.throwIfAborted();
  }

  /** Who would be asked beside a target that is slow, and after how long; undefined without hedging. */
  #hedgeOf(target: Target): { readonly second: Target; readonly afterMs: number } | undefined {
    const { config, latency } = this.#context;
    const { enabled, percentile, delayMin, samplesMin } = config.hedging;
    const { provider, model } = target;
    if (!enabled || this.#probe || latency.count(provider.name, model) < samplesMin) return undefined;
    const another = this.#plan.targets.find((other) => {
      const fresh = other !== target && !this.#asked.has(other) && other.step === target.step;
      return fresh && this.#openBreaker(other) === undefined;
    });
    const second = another ?? (this.#context.keysOf(provider).size > 1 ? target : undefined);
    if (second === undefined) return undefined;
    return { second, afterMs: Math.max(delayMin, latency.quantile(provider.name, model, percentile)!) };
  }

  /** Asks a second target when the first takes longer than usual; the first answer wins, the other call is ended. */
  async #askHedged(
    target: Target,
    kind: CallKind,
    { second, afterMs }: { readonly second: Target; readonly afterMs: number },
  ): Promise<Outcome> {
    const { signal } = this.#input;
    const { hedgeBudget, telemetry } = this.#context;
    const first = launch(signal, (own) => this.#askWithKeys(target, kind, own, 0));
    const early = await first.within(afterMs);
    if (early !== undefined || this.#calls >= CALLS_MAX || !hedgeBudget.spend()) return early ?? first.outcome;
    const hedge = launch(signal, (own) => this.#askWithKeys(second, "hedge", own, afterMs));
    const provider = second.provider.name;
    const winner: Launched = await Promise.race([first.settled, hedge.settled]);
    const loser = winner === first ? hedge : first;
    const outcome = await winner.outcome;
    if (outcome instanceof AttemptFailure) {
      // One has failed: the other is all there is.
      const other = await loser.outcome;
      const failed = other instanceof AttemptFailure;
      telemetry.event("hedged", { provider, result: failed ? "failed" : loser === hedge ? "won" : "lost" });
      if (failed && second !== target) this.#failed(second, loser === hedge ? other : outcome);
      return failed && loser === hedge ? outcome : other;
    }
    telemetry.event("hedged", { provider, result: winner === hedge ? "won" : "lost" });
    loser.abort(HEDGE_LOST);
    void loser.outcome.then(
      (late) => {
        if (!(late instanceof AttemptFailure)) dispose(late, (attempt) => this.#cancelled(attempt));
      },
      (error: unknown) => {
        if (error !== HEDGE_LOST) this.#context.telemetry.event("uncaughtError", { type: (error as Error).name });
      },
    );
    return outcome;
  }

  #cancelled(attempt: AttemptRecord): void {
    if (attempt.result === "pending") settleAttempt(this.#context, this.#probe, attempt, "cancelled");
  }

  #newAttempt({ provider, model }: Target, kind: CallKind, waitedMs = 0, keyLabel?: string): AttemptRecord {
    const attempt: AttemptRecord = {
      provider: provider.name,
      model,
      url: shownUrl(provider.displayUrl, this.#input.conversation.pathFor(provider, model)),
      spanId: randomHex(8),
      startedAtMs: nowMs(),
      durationMs: 0,
      statusCode: undefined,
      result: "pending",
      errorType: undefined,
      errorMessage: undefined,
      breakerState: this.#context.breakers.of(provider.name)?.state ?? "closed",
    };
    if (kind !== "first") attempt.kind = kind;
    if (waitedMs > 0) attempt.waitedMs = waitedMs;
    if (keyLabel !== undefined) attempt.keyLabel = keyLabel;
    this.#input.record.attempts.push(attempt);
    return attempt;
  }
}

/** The address of a call without its query; `new URL` would take longer than the rest of the attempt's record. */
function shownUrl(displayUrl: string, path: string): string {
  const slash = displayUrl.indexOf("/", "https://".length);
  const query = path.indexOf("?");
  return (slash < 0 ? displayUrl : displayUrl.slice(0, slash)) + (query < 0 ? path : path.slice(0, query));
}
