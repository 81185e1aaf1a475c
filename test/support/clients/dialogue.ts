import type { JsonObject } from "../../../src/gateway/json.ts";

/** What is said between a client and a provider, in no vendor's words: the table's behaviours are written in these. */

export interface Call {
  readonly id: string;
  readonly name: string;
  readonly args: JsonObject;
}

export type Turn =
  | { readonly role: "user"; readonly text: string; readonly image?: string; readonly pdf?: string }
  | { readonly role: "assistant"; readonly text?: string; readonly calls?: readonly Call[] }
  /** An answer as the client itself keeps it for the next request. */
  | { readonly role: "kept"; readonly answer: Reply }
  | { readonly role: "tool"; readonly call: Call; readonly text: string; readonly isError?: boolean };

export interface Question {
  readonly model: string;
  readonly turns: readonly Turn[];
  readonly system?: string;
  readonly stream?: boolean;
  /** Chat completions' `stream_options.include_usage`; the other formats tell it always. */
  readonly streamUsage?: boolean;
  /** Offers `get_weather`. */
  readonly tools?: "auto" | "required" | "none" | "named";
  readonly oneCall?: boolean;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly json?: "mode" | "schema";
  readonly reasons?: boolean;
  /** How often the client tries again on its own. */
  readonly retries?: number;
  readonly apiKey?: string;
  readonly signal?: AbortSignal;
  /** Called with the text so far of a stream. */
  readonly onText?: (text: string) => void;
}

export interface Reply {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly Call[];
  readonly finish: "stop" | "length" | "calls";
  readonly usage: Usage | undefined;
  /** As the client shows it; undefined where it does not. */
  readonly requestId: string | undefined;
  /** Of the reply header `x-gatewayz-dropped-params`; undefined where the client shows no headers. */
  readonly dropped: readonly string[] | undefined;
  /** The answer in the client's own form, to be sent back. */
  readonly kept: unknown;
}

export interface Usage {
  /** All of the prompt, what was read from the cache included. */
  readonly input: number;
  readonly output: number;
  readonly cached: number | undefined;
}

/** An error as the client raised it. */
export class ClientFailure extends Error {
  override readonly name = "ClientFailure";
  readonly status: number | undefined;
  /** Name of the client's own class. */
  readonly kind: string;
  /** `gateway_code` of the body. */
  readonly code: string | undefined;
  readonly retryAfter: string | undefined;
  readonly requestId: string | undefined;

  constructor(message: string, fields: Pick<ClientFailure, "status" | "kind" | "code" | "retryAfter" | "requestId">) {
    super(message);
    this.status = fields.status;
    this.kind = fields.kind;
    this.code = fields.code;
    this.retryAfter = fields.retryAfter;
    this.requestId = fields.requestId;
  }
}

export type ClientWire = "chat" | "responses" | "messages";

export interface Client {
  readonly id: string;
  readonly wire: ClientWire;
  /** @throws ClientFailure for what the client raises. */
  ask(question: Question): Promise<Reply>;
}

/** The tool that questions offer. */
export const WEATHER = {
  name: "get_weather",
  description: "Weather of a city",
  schema: {
    type: "object" as const,
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
};

/** What `json: "schema"` asks for. */
export const ANSWER_SCHEMA = {
  type: "object" as const,
  properties: { answer: { type: "string" } },
  required: ["answer"],
  additionalProperties: false,
};
