/**
 * A rough guess of what a model can do, from 0 to 1, by its name: what the policies `quality` and `balanced` go by where
 * `gateway.routing.auto` says nothing. It tells classes of size apart, not makers: an opinion, not a measurement.
 */
const CLASSES: readonly (readonly [RegExp, number])[] = [
  [/nano|lite|tiny|[-_:](0?\.\d|[1-4])b\b|flash-8b/, 0.35],
  [/haiku|mini|flash|small|instant|air|[-_:]([5-9]|1\d)b\b/, 0.55],
  [/opus|gpt-5|(^|\/)o[1-9]|gemini-[\d.]+-pro|grok-4|[-_]r1\b|reasoner|fable|mythos/, 1],
  [/sonnet|gpt-4|large|max|pro\b|[-_:]([2-9]\d\d)b\b|deepseek|kimi|glm/, 0.85],
  [/medium|plus|turbo|[-_:]([2-9]\d)b\b|llama|qwen|mixtral|mistral/, 0.7],
];
/** A model whose name says nothing stands in the middle. */
const UNKNOWN_QUALITY = 0.6;

export function guessedQuality(model: string): number {
  const name = model.toLowerCase();
  return CLASSES.find(([pattern]) => pattern.test(name))?.[1] ?? UNKNOWN_QUALITY;
}
