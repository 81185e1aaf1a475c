import { askedMetrics } from "./catalogue-asked.ts";
import { billingMetrics } from "./catalogue-billing.ts";
import { businessMetrics } from "./catalogue-business.ts";
import { cacheMetrics } from "./catalogue-caches.ts";
import { genAiMetrics } from "./catalogue-gen-ai.ts";
import { httpMetrics } from "./catalogue-http.ts";
import { inferenceMetrics } from "./catalogue-inference.ts";
import { infrastructureMetrics } from "./catalogue-infrastructure.ts";
import { latencyMetrics } from "./catalogue-latency.ts";
import { limitMetrics } from "./catalogue-limits.ts";
import { ownMetrics } from "./catalogue-own.ts";
import { pricingMetrics } from "./catalogue-pricing.ts";
import { providerMetrics } from "./catalogue-provider.ts";
import { routerMetrics } from "./catalogue-routers.ts";

/** Every metric of the gateway, in the order of `GET /metrics`. `docs/metrics.md` is generated from it. */
export const catalogue = {
  ...httpMetrics,
  ...inferenceMetrics,
  ...billingMetrics,
  ...latencyMetrics,
  ...providerMetrics,
  ...limitMetrics,
  ...cacheMetrics,
  ...businessMetrics,
  ...infrastructureMetrics,
  ...pricingMetrics,
  ...routerMetrics,
  ...genAiMetrics,
  ...askedMetrics,
  ...ownMetrics,
} as const;

export type MetricName = keyof typeof catalogue;

/** Names of one type, such as all counters. */
export type NamesOf<Type extends (typeof catalogue)[MetricName]["type"]> = {
  [Name in MetricName]: (typeof catalogue)[Name]["type"] extends Type ? Name : never;
}[MetricName];
