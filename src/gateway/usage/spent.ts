import type { Gateway } from "../gateway.ts";
import type { RequestRecord } from "../request-record.ts";

/**
 * Adds what calls have cost whose answer nobody got: a hedge that lost, a provider that was still writing when its client
 * left. Does nothing for an ordinary request.
 */
export async function addSpent(
  { prices, providers }: Pick<Gateway, "prices" | "providers">,
  record: RequestRecord,
): Promise<void> {
  await prices.load();
  for (const attempt of record.attempts) {
    const { provider, model, spent } = attempt;
    if (spent === undefined) continue;
    delete attempt.spent; // Once is enough, whoever settles again.
    const { usage, cost } = record;
    record.usage = {
      inputTokens: (usage?.inputTokens ?? 0) + spent.inputTokens,
      outputTokens: (usage?.outputTokens ?? 0) + spent.outputTokens,
      cachedInputTokens: (usage?.cachedInputTokens ?? 0) + spent.cacheReadTokens,
      cacheWriteInputTokens: (usage?.cacheWriteInputTokens ?? 0) + spent.cacheWriteTokens,
      reasoningTokens: (usage?.reasoningTokens ?? 0) + spent.reasoningTokens,
      source: usage?.source ?? (spent.estimated ? "word_heuristic" : "provider_partial"),
    };
    const more = prices.price(providers.get(provider)?.quirks.pricedAs ?? provider, model, spent);
    record.cost = {
      inputUsd: (cost?.inputUsd ?? 0) + more.inputUsd,
      outputUsd: (cost?.outputUsd ?? 0) + more.outputUsd,
      totalUsd: (cost?.totalUsd ?? 0) + more.totalUsd,
      defaultPricing: more.defaultPricing || cost?.defaultPricing === true,
    };
  }
}
