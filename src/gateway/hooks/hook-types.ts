/**
 * The interface of a hook module. Its default export is a `Hook`, or a function that makes one of the `options` of the
 * configuration. docs/hooks.md describes it for people who write one.
 */
export interface Hook {
  /** Before a request is checked and sent; may wait, within its time limit. */
  before?(request: HookRequest): BeforeResult | undefined | Promise<BeforeResult | undefined>;
  /** After the answer has gone to the client; nobody waits for it, and it changes nothing. */
  after?(result: HookResult): unknown;
}

export type HookFactory = (options: Readonly<Record<string, unknown>>) => Hook | Promise<Hook>;

export interface HookRequest {
  readonly requestId: string;
  /** `/v1/chat/completions` and the like. */
  readonly route: string;
  readonly dialect: "openai" | "anthropic";
  /** Name of the API key in the configuration; never the key. */
  readonly keyName: string;
  readonly tier: string;
  /** The hook's own copy of the body: parsed JSON, or the fields of an upload. */
  readonly body: Record<string, unknown>;
  /** The client's headers without `authorization`, `x-api-key`, `cookie` and `proxy-authorization`. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Aborted when the hook's time is over. */
  readonly signal: AbortSignal;
}

export interface BeforeResult {
  /** Takes the place of the request's body, and is checked as any other. */
  readonly body?: Record<string, unknown>;
  /** Refuses the request. `contentPolicy` words it as OpenAI words its own refusals of content. */
  readonly refuse?: {
    readonly message: string;
    /** 400 to 499; 403 where left out, 400 for `contentPolicy`. */
    readonly status?: number;
    readonly contentPolicy?: boolean;
  };
  /** Labels for the record of the request; at most 16 in all, names and values of at most 64 characters. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface HookResult {
  readonly requestId: string;
  readonly route: string;
  readonly keyName: string;
  readonly statusCode: number;
  readonly errorCode: string | undefined;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly clientAborted: boolean;
  readonly finishReason: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  readonly durationMs: number;
  readonly cache: "hit" | "miss" | "bypass" | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** What the client was sent, in its own format (JSON, or server-sent events); undefined without an answer. */
  readonly answer: string | undefined;
  /** True where `answer` was cut to 1 MiB. */
  readonly answerCut: boolean;
  readonly signal: AbortSignal;
}
