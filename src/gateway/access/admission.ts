import type { ClientIdentity } from "../request-record.ts";
import type { AnonymousQuota } from "./anonymous-quota.ts";
import type { Budgets } from "./budgets.ts";
import type { RateLimits } from "./rate-limits.ts";

/** What a request wants before a provider is called. */
export interface AdmissionAsk {
  readonly client: ClientIdentity;
  /** Input and output tokens that it may use. */
  readonly tokens: number;
  /** What it may cost, nano-dollars. */
  readonly nanoUsd: number;
  /** The client's address as limits count it; undefined for this machine. */
  readonly address: string | undefined;
  readonly model: string;
}

/** A request that may go on. */
export interface Admitted {
  /** Reply headers that show the limits (contract 6a). */
  readonly headers: Readonly<Record<string, string>>;
  /** Replaces what was held by what was used. Once. */
  settle(tokens: number, nanoUsd: number): void;
}

/**
 * Lets requests in or refuses them: limits and budgets in one step, all or nothing. In memory it answers at once; where
 * several gateways share the state, it answers after one round trip.
 * @throws GatewayError for what is refused, also as a rejection.
 */
export interface Admission {
  admit(ask: AdmissionAsk): Admitted | Promise<Admitted>;
}

/** Admission by what this process has counted itself. */
export class LocalAdmission implements Admission {
  readonly #limits: RateLimits;
  readonly #budgets: Budgets;
  readonly #anonymous: AnonymousQuota;

  constructor(limits: RateLimits, budgets: Budgets, anonymous: AnonymousQuota) {
    this.#limits = limits;
    this.#budgets = budgets;
    this.#anonymous = anonymous;
  }

  admit(ask: AdmissionAsk): Admitted {
    const { client, tokens, nanoUsd } = ask;
    if (client.unlimited) return { headers: { "x-user-tier": client.tier }, settle: () => undefined };
    if (client.anonymous === true) return this.#anonymous.take(ask);
    const place = this.#limits.reserve(client, tokens);
    try {
      const hold = this.#budgets.hold(client, nanoUsd);
      return {
        headers: place.headers,
        settle: (usedTokens, usedNanoUsd) => {
          place.settle(usedTokens);
          hold.settle(usedNanoUsd);
        },
      };
    } catch (error) {
      place.settle(0);
      throw error;
    }
  }
}
