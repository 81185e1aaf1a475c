import { CHECK_STATUSES } from "../check.ts";
import type { HealthBook } from "../health-book.ts";
import type { ModelState } from "../model-state.ts";
import { TIER_NAMES } from "../probes/tiers.ts";
import { textAt, wordAt } from "./request.ts";

const STATUS_WORDS = [...CHECK_STATUSES, "healthy", "unhealthy", "unknown"] as const;

/** The models that a query asks for: `provider`, `gateway`, `model`, `tier`, and `status` (the last one, or a summary of it). */
export function chosenModels(book: HealthBook, query: Readonly<Record<string, unknown>>): ModelState[] {
  const provider = textAt(query, "provider");
  const gateway = textAt(query, "gateway");
  const model = textAt(query, "model");
  const tier = wordAt(query, "tier", TIER_NAMES);
  const status = wordAt(query, "status", STATUS_WORDS);
  return book
    .models()
    .filter((state) => provider === undefined || state.provider === provider)
    .filter((state) => gateway === undefined || state.gateway === gateway)
    .filter((state) => model === undefined || state.model === model)
    .filter((state) => tier === undefined || state.tier === tier)
    .filter((state) => status === undefined || hasStatus(state, status));
}

function hasStatus({ lastStatus }: ModelState, status: (typeof STATUS_WORDS)[number]): boolean {
  switch (status) {
    case "healthy":
      return lastStatus === "success";
    case "unhealthy":
      return lastStatus !== undefined && lastStatus !== "success";
    case "unknown":
      return lastStatus === undefined;
    default:
      return lastStatus === status;
  }
}
