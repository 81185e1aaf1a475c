import type { RequestRecord } from "../request-record.ts";
import { answeredBy, succeeded } from "./answered-by.ts";
import { OVERFLOW_LABEL } from "./family.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";

/** Models that become label values; far more than one gateway serves. */
const MODELS_MAX = 1_000;
/**
 * Those among them that no provider lists. A server that answers to any name would otherwise let one client make a
 * thousand, and each is hundreds of lines of the page.
 */
const UNLISTED_MODELS_MAX = 50;

/** Stands for whatever provider, where only the model is known. */
export const ANY_PROVIDER = "";

/** Asks whether a provider (or `ANY_PROVIDER`) is known to serve a model; false where nobody knows. */
export type KnowsModel = (provider: string, model: string) => boolean;

/**
 * Which models may be label values. A client can write any name, and some providers are asked for whatever the client
 * wrote; so a name counts as known once a provider lists it, and a few more once they have a price or were answered.
 * Everything else is `other`, and counted as such.
 */
export class ModelLabels {
  readonly #set: MetricSet;
  readonly #onUnknown: (model: string) => void;
  readonly #known = new Set<string>();
  #unlisted = 0;
  #told = false;
  /** Replaced once the gateway's catalogue exists. */
  knows: KnowsModel = () => false;

  /** @param onUnknown Called once, with the first name that became `other`. */
  constructor(set: MetricSet, onUnknown: (model: string) => void) {
    this.#set = set;
    this.#onUnknown = onUnknown;
  }

  /** Label of the model that the request counts for. */
  ofRequest(record: RequestRecord): { provider: string; model: string } {
    const { provider, model } = answeredBy(record);
    const trusted = record.outcome?.provider !== undefined && (succeeded(record) || isPriced(record));
    return { provider, model: this.of(provider, model, trusted) };
  }

  /** @param trusted The provider has just answered for this model, or it has a price. */
  of(provider: string, model: string, trusted: boolean): string {
    return this.#known.has(model) ? model : this.#admit(provider, model, trusted);
  }

  #admit(provider: string, model: string, trusted: boolean): string {
    if (this.#known.size < MODELS_MAX) {
      const listed = this.knows(provider, model);
      if (listed || (trusted && this.#unlisted < UNLISTED_MODELS_MAX)) {
        this.#known.add(model);
        if (!listed) this.#unlisted++;
        return model;
      }
    }
    if (model === UNKNOWN) return model;
    this.#set.counter("gatewayz_metric_series_limited_total").child("model_inference_requests_total").inc();
    if (!this.#told) this.#onUnknown(boundedLabel(model));
    this.#told = true;
    return OVERFLOW_LABEL;
  }
}

/** What `answeredBy` says where no provider was asked. */
const UNKNOWN = "unknown";

function isPriced({ cost }: RequestRecord): boolean {
  return cost !== undefined && !cost.defaultPricing;
}
