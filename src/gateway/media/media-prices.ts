/** What a media request consumed, in the units that providers charge. */
export interface MediaUnits {
  readonly images?: number;
  /** `1024x1024` and the like, lower case. */
  readonly size?: string;
  readonly quality?: string;
  /** Seconds of sound taken in. */
  readonly seconds?: number;
  /** Characters of text to be spoken. */
  readonly characters?: number;
}

interface MediaRates {
  /** USD for one picture, by `quality size`, `size`, or `*`. */
  readonly image?: Readonly<Record<string, number>>;
  readonly minute?: number;
  readonly character?: number;
}

/**
 * US dollars by the picture, the minute or the character: what the list of token prices cannot say. As OpenAI's pricing
 * page had it in 2025; gpt-4o-mini-tts is charged by tokens that its replies do not tell, about $0.015 a minute, here
 * at 15 characters a second.
 */
const RATES: Readonly<Record<string, MediaRates>> = {
  "dall-e-3": {
    image: {
      "1024x1024": 0.04,
      "1024x1792": 0.08,
      "1792x1024": 0.08,
      "hd 1024x1024": 0.08,
      "hd 1024x1792": 0.12,
      "hd 1792x1024": 0.12,
      "*": 0.04,
    },
  },
  "dall-e-2": { image: { "256x256": 0.016, "512x512": 0.018, "1024x1024": 0.02, "*": 0.02 } },
  "whisper-1": { minute: 0.006 },
  "whisper-large-v3": { minute: 0.00185 },
  "whisper-large-v3-turbo": { minute: 0.00067 },
  "tts-1": { character: 15e-6 },
  "tts-1-hd": { character: 30e-6 },
  "gpt-4o-mini-tts": { character: 0.015 / 60 / 15 },
};

/** Where nothing is known: as dear as the better-known ones, so that it is noticed. */
const DEFAULT_RATES = { image: { "*": 0.04 }, minute: 0.006, character: 15e-6 } as const;

/** The price of these units, and whether the model's own rates are known. Dated models count as their family. */
export function mediaPriceUsd(model: string, units: MediaUnits): { usd: number; known: boolean } {
  const name = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  const family = name.replace(/-\d{4}(-\d{2}-\d{2})?$/, "");
  const known = RATES[name] ?? RATES[family];
  const rates: MediaRates = { ...DEFAULT_RATES, ...known };
  const size = units.size ?? "1024x1024";
  const picture = rates.image![`${units.quality} ${size}`] ?? rates.image![size] ?? rates.image!["*"] ?? 0;
  const usd =
    (units.images ?? 0) * picture +
    ((units.seconds ?? 0) / 60) * rates.minute! +
    (units.characters ?? 0) * rates.character!;
  return { usd, known: known !== undefined };
}
