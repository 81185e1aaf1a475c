import type { JsonObject } from "../../../src/gateway/json.ts";
import type { Call } from "./dialogue.ts";

/** What a scripted provider answers, in no format. */
export interface Answer {
  readonly thinking?: { readonly text: string; readonly signature: string };
  readonly text?: string;
  readonly calls?: readonly Call[];
  readonly cutShort?: boolean;
  /** An error in place of an answer. */
  readonly status?: number;
  readonly retryAfter?: string;
  /** How a stream goes wrong behind its first words. */
  readonly breaks?: "error" | "drop" | "silence";
  /** A stream in writes of so many bytes, which cuts characters and events in their middle. */
  readonly writeBytes?: number;
  /** No answer at all. */
  readonly hangs?: boolean;
}

/** 20 tokens in, of which 8 came from the cache, 5 out: what every scripted answer counts. */
export const COUNTED = { input: 20, cached: 8, output: 5 };

/** What a provider was asked, read from its own format. */
export interface Asked {
  readonly system: string;
  readonly turns: readonly AskedTurn[];
  readonly tools: readonly string[];
  readonly choice: string | undefined;
  readonly oneCall: boolean;
  readonly maxTokens: number | undefined;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly seed: number | undefined;
  readonly stop: readonly string[];
  readonly json: "mode" | "schema" | undefined;
  readonly reasons: boolean;
  readonly body: JsonObject;
}

export interface AskedTurn {
  readonly role: "user" | "assistant" | "tool";
  readonly text: string;
  readonly images: readonly string[];
  readonly documents: readonly string[];
  readonly calls: readonly Omit<Call, "id">[];
  readonly isError: boolean;
  readonly signatures: readonly string[];
}

export interface ProviderFormat {
  read(body: JsonObject): Asked;
  whole(answer: Answer): JsonObject;
  /** The whole stream in pieces; without `breaks`. */
  stream(answer: Answer): readonly string[];
  /** Body of an error, and the event that ends a stream with one. */
  error(status: number): JsonObject;
  errorEvent(): string;
}

/** A text in some pieces, so that streams have something to join; none is cut within a character of UTF-16. */
export function pieces(text: string): string[] {
  const length = Math.max(4, Math.ceil(text.length / 8));
  const cut: string[] = [];
  for (let from = 0; from < text.length; ) {
    const isHigh = /[\ud800-\udbff]/.test(text.charAt(from + length - 1));
    const end = from + length + (isHigh ? 1 : 0);
    cut.push(text.slice(from, end));
    from = end;
  }
  return cut;
}
