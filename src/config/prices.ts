import * as z from "zod";
import { duration } from "./duration.ts";

const usd = z.number().nonnegative();

/** US dollars per million tokens. */
const rates = z.strictObject({
  input: usd,
  output: usd,
  /** Unset: as `input`. */
  cacheRead: usd.optional(),
  cacheWrite: usd.optional(),
  /** Written to be kept an hour (Anthropic); unset: as `cacheWrite`. */
  cacheWrite1h: usd.optional(),
  /** Unset: as `input` and `output`. */
  audioInput: usd.optional(),
  imageInput: usd.optional(),
  audioOutput: usd.optional(),
  /** Per request, and per search that the provider makes for it: US dollars. */
  request: usd.optional(),
  webSearch: usd.optional(),
  /** Of the output, what the model thought; unset: as `output`. */
  reasoning: usd.optional(),
  /** First day (UTC) on which the price holds; unset: always. */
  from: z.iso.date().optional(),
});

export type ConfiguredRates = z.output<typeof rates>;

/** `gateway.prices`. */
export const prices = z.strictObject({
  /** `model` or `provider/model` → its price, or its prices by date; they come before the list. */
  models: z.record(z.string(), z.union([rates, z.array(rates).min(1)])).default({}),
  /** How often a newer list is fetched; 0: never, the list of the installation is used. */
  refresh: duration.prefault("0s"),
  /** Where from; the format is that of genai-prices, `prices/new_data/v2/data.json`. */
  url: z
    .url({ protocol: /^https?$/ })
    .default("https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/new_data/v2/data.json"),
  /** A list older than this is reported as unhealthy. */
  staleAfter: duration.prefault("180d"),
  /** US dollars per million tokens that no model costs; a price above is reported. */
  usdPerMillionMax: z.number().positive().default(1_000),
  /** A refresh that changes a price by more than this factor is reported. */
  spikeFactor: z.number().min(1).default(3),
});

export type PricesConfig = z.output<typeof prices>;
