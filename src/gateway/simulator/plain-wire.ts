import { type JsonObject, numberAt, stringAt } from "../json.ts";
import { estimateTokens } from "../usage/estimate.ts";
import type { SimulatedAnswer } from "./answer.ts";
import { hashText, Random } from "./random.ts";
import { keyWords } from "./text.ts";

/** Sizes of OpenAI's embeddings. */
const DIMENSIONS: Readonly<Record<string, number>> = {
  "text-embedding-3-small": 1_536,
  "text-embedding-3-large": 3_072,
};
const DIMENSIONS_DEFAULT = 1_024;
/** Words that a simulated moderation flags, by category. */
const FLAGGED: Readonly<Record<string, RegExp>> = {
  violence: /\b(kill|murder|attack|shoot|stab)\b/i,
  harassment: /\b(idiot|stupid|moron)\b/i,
  "self-harm": /\bsuicide\b/i,
  hate: /\bhate\b/i,
  sexual: /\bporn\b/i,
};

/** OpenAI's embeddings: unit vectors, in which texts that share words are near each other. */
export function embeddingsOf(body: JsonObject): JsonObject {
  const { input } = body;
  const texts = Array.isArray(input) && !input.every((token) => typeof token === "number") ? input : [input];
  const model = String(body["model"]);
  const dimensions = numberAt(body, "dimensions") ?? DIMENSIONS[model] ?? DIMENSIONS_DEFAULT;
  const base64 = body["encoding_format"] === "base64";
  const tokens = texts.reduce<number>((sum, text) => sum + tokensOf(text), 0);
  return {
    object: "list",
    data: texts.map((text, index) => {
      const vector = vectorOf(text, dimensions);
      const embedding = base64 ? Buffer.from(vector.buffer).toString("base64") : [...vector];
      return { object: "embedding", index, embedding };
    }),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function tokensOf(text: unknown): number {
  return typeof text === "string" ? Math.max(1, estimateTokens(text)) : Array.isArray(text) ? text.length : 1;
}

/** The sum of one pseudo-random direction per word, at length 1. */
function vectorOf(text: unknown, dimensions: number): Float32Array {
  const words = typeof text === "string" ? keyWords(text.toLowerCase()) : [JSON.stringify(text)];
  const vector = new Float32Array(dimensions);
  for (const word of words.length === 0 ? [String(text)] : words) {
    const random = new Random(hashText(word));
    for (let index = 0; index < dimensions; index++) vector[index]! += random.next() - 0.5;
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

/** OpenAI's moderation: a word list decides. */
export function moderationOf(body: JsonObject, id: string): JsonObject {
  const { input } = body;
  const texts = Array.isArray(input) ? input : [input];
  return { id: `modr-${id}`, model: String(body["model"]), results: texts.map(moderate) };
}

function moderate(part: unknown): JsonObject {
  const text = typeof part === "string" ? part : (stringAt((part ?? {}) as JsonObject, "text") ?? "");
  const entries = Object.entries(FLAGGED).map(([category, pattern]) => [category, pattern.test(text)] as const);
  return {
    flagged: entries.some(([, hit]) => hit),
    categories: Object.fromEntries(entries),
    category_scores: Object.fromEntries(entries.map(([category, hit]) => [category, hit ? 0.93 : 0.0004])),
  };
}

/** A rerank answer: documents by the share of the query's words that they have. */
export function rerankOf(body: JsonObject, id: string): JsonObject {
  const query = keyWords(String(body["query"]).toLowerCase());
  const documents = Array.isArray(body["documents"]) ? body["documents"] : [];
  const results = documents.map((document, index) => {
    const text = typeof document === "string" ? document : JSON.stringify(document);
    const words = new Set(keyWords(text.toLowerCase()));
    const shared = query.filter((word) => words.has(word)).length;
    return { index, relevance_score: query.length === 0 ? 0 : shared / query.length };
  });
  results.sort((a, b) => b.relevance_score - a.relevance_score);
  const tokens = documents.reduce<number>((sum, text) => sum + tokensOf(text), 0);
  const top = results.slice(0, numberAt(body, "top_n") ?? results.length);
  return { id, model: String(body["model"]), results: top, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

/** OpenAI's legacy text completion. */
export function textCompletionOf(answers: readonly SimulatedAnswer[], created: number, usage: unknown): JsonObject {
  const choices = answers.map((answer, index) => textChoice(index, answer.textPieces.join(""), answer.finish));
  return { ...textEnvelope(answers, created), choices, usage };
}

/** The events of a streamed text completion. */
export function* textChunksOf(
  answers: readonly SimulatedAnswer[],
  created: number,
  usage: unknown | undefined,
): Generator<string> {
  const chunk = (choices: readonly JsonObject[], counted: unknown): string => {
    const body = { ...textEnvelope(answers, created), choices, ...(usage === undefined ? {} : { usage: counted }) };
    return `data: ${JSON.stringify(body)}\n\n`;
  };
  for (const [index, answer] of answers.entries()) {
    for (const piece of answer.textPieces) yield chunk([textChoice(index, piece, null)], null);
    yield chunk([textChoice(index, "", answer.finish)], null);
  }
  if (usage !== undefined) yield chunk([], usage);
  yield "data: [DONE]\n\n";
}

function textEnvelope([first]: readonly SimulatedAnswer[], created: number): JsonObject {
  return { id: `cmpl-${first!.id}`, object: "text_completion", created, model: first!.model };
}

function textChoice(index: number, text: string, finish: string | null): JsonObject {
  return { index, text, logprobs: null, finish_reason: finish };
}
