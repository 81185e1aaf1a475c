import { expect } from "vitest";
import type { Call, ClientFailure, ClientWire, Question, Reply } from "./dialogue.ts";
import type { Answer, Asked } from "./provider-script.ts";
import { COUNTED } from "./provider-script.ts";

export type ProviderId = "chat" | "responses" | "messages" | "gemini";

/** One provider of each format, and the model that leads to it. */
export const PROVIDERS: Readonly<Record<ProviderId, { readonly title: string; readonly model: string }>> = {
  chat: { title: "chat completions", model: "m-1" },
  responses: { title: "Responses", model: "gpt-5-pro" },
  messages: { title: "Anthropic", model: "claude-sonnet-4-5" },
  gemini: { title: "Gemini", model: "gemini-2.5-flash" },
};

export interface Cell {
  /** Such as `LangChain chat`. */
  readonly client: string;
  readonly wire: ClientWire;
  readonly provider: ProviderId;
}

/** What a cell shows where the plain answer, "works", is not the whole truth. */
export type Outcome =
  | "works"
  /** The answer comes; this member was left out and is named in `x-gatewayz-dropped-params`. */
  | { readonly dropped: string }
  /** 400 NOT_TRANSLATABLE that names this member. */
  | { readonly refused: string }
  /** It works, but for what this note says of the client itself; the behaviour's check knows it. */
  | { readonly except: string }
  /** Not tested: the client (or its format) has no way to say it. */
  | { readonly unsaid: string };

export interface Behaviour {
  readonly name: string;
  readonly question: Omit<Partial<Question>, "turns" | "model">;
  /** Ends the last user's text with `mark`. */
  turns?(mark: string, cell: Cell): Question["turns"];
  readonly answers: readonly Answer[];
  /** Through a gateway that waits seconds instead of minutes. */
  readonly impatient?: boolean;
  readonly outcome?: (cell: Cell) => Outcome;
  /** What the client got, and what the provider was asked (the last time). */
  check?(reply: Reply, asked: Asked, cell: Cell): void;
  /** Makes a second question of the first one's turns and answer; the check is about the second then. */
  next?(turns: Question["turns"], reply: Reply): Question["turns"];
  /** The request fails, as the client tells it. @param heard The text that came before. */
  fails?(failure: ClientFailure, cell: Cell, heard: string): void;
}

const HELLO: Answer = { text: "Hello world" };
const OSLO: Call = { id: "call_a", name: "get_weather", args: { city: "Oslo" } };
const ROME: Call = { id: "call_b", name: "get_weather", args: { city: "Rome" } };
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PICTURE = `data:image/png;base64,${PIXEL}`;
const PICTURE_URL = "https://example.com/cat.png";
const PDF = `data:application/pdf;base64,${Buffer.from("%PDF-1.4 a document").toString("base64")}`;
/** Of two, three and four bytes, joined ones too; long enough to be cut in many places. */
const UNICODE = 'Grüße, 世界! 👩‍👩‍👧‍👦 नमस्ते \u2028 "\\n" '.repeat(8).trim();
const BIG = "0123456789abcdef".repeat(64 * 1024);

function argsOf(calls: readonly { args: unknown }[]): unknown[] {
  return calls.map(({ args }) => args);
}

const usersTurn = (asked: Asked): Asked["turns"][number] => asked.turns.findLast(({ role }) => role === "user")!;
const isLangChain = ({ client }: Cell): boolean => client.startsWith("LangChain");
const isAiSdk = ({ client }: Cell): boolean => client.startsWith("AI SDK");

/** As with Anthropic itself, whose `message_delta` has the final numbers. */
const ADDS_UP = "it adds up the counts of message_start and message_delta";

const saysHello = (reply: Reply): void => {
  expect(reply.text).toBe("Hello world");
  expect(reply.finish).toBe("stop");
};

const texts: Behaviour[] = [
  { name: "a text", question: {}, answers: [HELLO], check: saysHello },
  { name: "a text, streamed", question: { stream: true }, answers: [HELLO], check: saysHello },
  {
    name: "system prompt",
    question: { system: "Be brief." },
    answers: [HELLO],
    check(reply, asked) {
      saysHello(reply);
      expect(asked.system).toBe("Be brief.");
    },
  },
  {
    name: "several turns",
    question: {},
    turns: (mark) => [
      { role: "user", text: "One" },
      { role: "assistant", text: "Two" },
      { role: "user", text: `Three ${mark}` },
    ],
    answers: [HELLO],
    check(_reply, asked) {
      expect(asked.turns.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
      expect(asked.turns.map(({ text }) => text.slice(0, 3))).toEqual(["One", "Two", "Thr"]);
    },
  },
  {
    name: "Unicode, cut within characters",
    question: { stream: true },
    turns: (mark) => [{ role: "user", text: `${UNICODE}${mark}` }],
    answers: [{ text: UNICODE, writeBytes: 61 }],
    check(reply, asked) {
      expect(reply.text).toBe(UNICODE);
      expect(usersTurn(asked).text.startsWith(UNICODE)).toBe(true);
    },
  },
  {
    name: "1 MiB in, 1 MiB out",
    question: {},
    turns: (mark) => [{ role: "user", text: `${BIG}${mark}` }],
    answers: [{ text: BIG }],
    check(reply, asked) {
      expect(reply.text.length).toBe(BIG.length);
      expect(usersTurn(asked).text.length).toBeGreaterThan(BIG.length);
    },
  },
  {
    name: "1 MiB streamed",
    question: { stream: true },
    answers: [{ text: BIG }],
    check: (reply) => expect(reply.text === BIG).toBe(true),
  },
];

const requestIds: Behaviour[] = [
  {
    name: "the client tells the request's id",
    question: {},
    answers: [HELLO],
    outcome: (cell) => (isLangChain(cell) ? { unsaid: "it tells none" } : "works"),
    check: ({ requestId }) => expect(requestId).toMatch(/^req_[0-9a-f]{32}$/),
  },
];

const usage: Behaviour[] = [
  {
    name: "usage, cached tokens too",
    question: {},
    answers: [HELLO],
    check: ({ usage }) => expect(usage).toEqual(COUNTED),
  },
  {
    name: "usage of a stream",
    question: { stream: true, streamUsage: true },
    answers: [HELLO],
    outcome: (cell) => (isLangChain(cell) && cell.wire === "messages" ? { except: ADDS_UP } : "works"),
    check({ usage }, _asked, cell) {
      if (!isLangChain(cell) || cell.wire !== "messages") expect(usage).toEqual(COUNTED);
      else expect(usage!.output).toBeGreaterThanOrEqual(COUNTED.output);
    },
  },
  {
    name: "no usage in a stream unless asked",
    question: { stream: true },
    answers: [HELLO],
    outcome: (cell) => {
      if (cell.wire !== "chat") return { unsaid: "its format tells usage always" };
      return isAiSdk(cell) ? { unsaid: "it asks always" } : "works";
    },
    check: ({ usage }) => expect(usage).toBeUndefined(),
  },
];

const LOSES_CHOICE = "it sends only the choice of one tool";

const toolUse: Behaviour[] = [
  {
    name: "a tool is called",
    question: { tools: "auto" },
    answers: [{ calls: [OSLO] }],
    check(reply, asked) {
      expect(asked.tools).toEqual(["get_weather"]);
      expect(argsOf(reply.calls)).toEqual([OSLO.args]);
      expect(reply.finish).toBe("calls");
    },
  },
  {
    name: "parallel calls",
    question: { tools: "auto" },
    answers: [{ text: "Looking.", calls: [OSLO, ROME] }],
    check(reply) {
      expect(argsOf(reply.calls)).toEqual([OSLO.args, ROME.args]);
      expect(new Set(reply.calls.map(({ id }) => id)).size).toBe(2);
      expect(reply.text).toBe("Looking.");
    },
  },
  {
    name: "arguments streamed, calls in parallel",
    question: { tools: "auto", stream: true },
    answers: [{ calls: [OSLO, ROME] }],
    check(reply) {
      expect(argsOf(reply.calls)).toEqual([OSLO.args, ROME.args]);
      expect(reply.finish).toBe("calls");
    },
  },
  {
    name: "some tool must be called",
    question: { tools: "required" },
    answers: [{ calls: [OSLO] }],
    outcome: (cell) => (isLangChain(cell) && cell.wire === "responses" ? { unsaid: LOSES_CHOICE } : "works"),
    check: (_reply, asked) => expect(asked.choice).toBe("required"),
  },
  {
    name: "this tool must be called",
    question: { tools: "named" },
    answers: [{ calls: [OSLO] }],
    check: (_reply, asked) => expect(asked.choice).toBe("named"),
  },
  {
    name: "no tool may be called",
    question: { tools: "none" },
    answers: [HELLO],
    outcome(cell) {
      if (isLangChain(cell) && cell.wire === "responses") return { unsaid: LOSES_CHOICE };
      return isAiSdk(cell) && cell.wire === "messages" ? { unsaid: "it leaves the tools out" } : "works";
    },
    check: (_reply, asked) => expect(asked.choice).toBe("none"),
  },
  {
    name: "one call at a time",
    question: { tools: "auto", oneCall: true },
    answers: [{ calls: [OSLO] }],
    outcome: (cell) => {
      if (isLangChain(cell) && cell.wire === "messages") return { unsaid: "it has no option" };
      return cell.provider === "gemini" ? { dropped: "parallel_tool_calls" } : "works";
    },
    check: (_reply, asked) => expect(asked.oneCall).toBe(true),
  },
  {
    name: "tool results",
    question: { tools: "auto" },
    turns: (mark) => [
      { role: "user", text: `Weather? ${mark}` },
      { role: "assistant", calls: [OSLO, ROME] },
      { role: "tool", call: OSLO, text: "sunny" },
      { role: "tool", call: ROME, text: "rainy" },
    ],
    answers: [HELLO],
    check(reply, asked) {
      saysHello(reply);
      expect(asked.turns.flatMap(({ calls }) => argsOf(calls))).toEqual([OSLO.args, ROME.args]);
      const results = asked.turns.filter(({ role }) => role === "tool");
      expect(results.map(({ text }) => text)).toEqual(["sunny", "rainy"]);
    },
  },
  {
    name: "a tool's failure",
    question: { tools: "auto" },
    turns: (mark) => [
      { role: "user", text: `Weather? ${mark}` },
      { role: "assistant", calls: [OSLO] },
      { role: "tool", call: OSLO, text: "no such city", isError: true },
    ],
    answers: [HELLO],
    outcome(cell) {
      if (cell.wire !== "messages") return { unsaid: "OpenAI's formats mark no failures" };
      return isLangChain(cell) ? { unsaid: "it does not send the mark" } : "works";
    },
    check(_reply, asked) {
      const result = asked.turns.find(({ role }) => role === "tool")!;
      expect(result.isError).toBe(true);
      expect(result.text).toContain("no such city");
    },
  },
];

const media: Behaviour[] = [
  {
    name: "a picture by URL",
    question: {},
    turns: (mark) => [{ role: "user", text: `What is it? ${mark}`, image: PICTURE_URL }],
    answers: [HELLO],
    check: (_reply, asked) => expect(usersTurn(asked).images).toEqual([PICTURE_URL]),
  },
  {
    name: "a picture inline",
    question: {},
    turns: (mark) => [{ role: "user", text: `What is it? ${mark}`, image: PICTURE }],
    answers: [HELLO],
    check: (_reply, asked) => expect(usersTurn(asked).images).toEqual([PICTURE]),
  },
  {
    name: "a PDF",
    question: {},
    turns: (mark) => [{ role: "user", text: `Sum it up. ${mark}`, pdf: PDF }],
    answers: [HELLO],
    check: (_reply, asked) => expect(usersTurn(asked).documents).toEqual([PDF]),
  },
];

const settings: Behaviour[] = [
  {
    name: "JSON by a schema",
    question: { json: "schema" },
    answers: [{ text: '{"answer":"yes"}' }],
    check(reply, asked) {
      expect(asked.json).toBe("schema");
      expect(JSON.parse(reply.text)).toEqual({ answer: "yes" });
    },
  },
  {
    name: "some JSON",
    question: { json: "mode" },
    answers: [{ text: '{"answer":"yes"}' }],
    outcome: ({ wire }) => (wire === "messages" ? { unsaid: "Anthropic has schemas only" } : "works"),
    check(reply, asked, { provider }) {
      // Anthropic has no such mode: a sentence in the system prompt asks for it.
      if (provider === "messages") expect(asked.system).toContain("JSON");
      else expect(asked.json).toBe("mode");
      expect(JSON.parse(reply.text)).toEqual({ answer: "yes" });
    },
  },
  {
    name: "stop sequences",
    question: { stop: ["END"] },
    answers: [HELLO],
    outcome({ wire, provider }) {
      if (wire === "responses") return { unsaid: "Responses have none" };
      return provider === "responses" ? { refused: "stop" } : "works";
    },
    check: (_reply, asked) => expect(asked.stop).toEqual(["END"]),
  },
  {
    name: "max tokens, and the answer that met them",
    question: { maxTokens: 50 },
    answers: [{ text: "Hello wor", cutShort: true }],
    check(reply, asked) {
      expect(asked.maxTokens).toBe(50);
      expect([reply.text, reply.finish]).toEqual(["Hello wor", "length"]);
    },
  },
  {
    name: "max tokens met by a stream",
    question: { maxTokens: 50, stream: true },
    answers: [{ text: "Hello wor", cutShort: true }],
    check: (reply) => expect([reply.text, reply.finish]).toEqual(["Hello wor", "length"]),
  },
  {
    name: "temperature and top_p",
    question: { temperature: 0.5, topP: 0.75 },
    answers: [HELLO],
    outcome(cell) {
      if (!isAiSdk(cell)) return "works";
      if (cell.provider === "responses" && cell.wire !== "messages") return { unsaid: "it leaves both out for gpt-5" };
      return cell.provider === "messages" && cell.wire === "messages"
        ? { except: "it sends one of both to Claude" }
        : "works";
    },
    check(_reply, asked, cell) {
      expect(asked.temperature).toBe(0.5);
      const sendsOne = isAiSdk(cell) && cell.wire === "messages" && cell.provider === "messages";
      expect(asked.topP).toBe(sendsOne ? undefined : 0.75);
    },
  },
  {
    name: "seed",
    question: { seed: 7 },
    answers: [HELLO],
    outcome(cell) {
      if (cell.wire !== "chat") return { unsaid: "its format has none" };
      return cell.provider === "chat" || cell.provider === "gemini" ? "works" : { dropped: "seed" };
    },
    check: (_reply, asked) => expect(asked.seed).toBe(7),
  },
];

const THOUGHT = { text: "They ask for the weather.", signature: "c2lnbmVkIGJ5IHRoZSBtb2RlbA==" };

/** What each client shows of reasoning, and what it keeps of it for the next request. */
function reasoningOutcome(cell: Cell): Outcome {
  if (isAiSdk(cell) && cell.wire === "chat") return { unsaid: "its reader of chat completions knows none" };
  if (isLangChain(cell) && cell.wire === "chat") return { unsaid: "its reader of chat completions knows none" };
  if (isLangChain(cell) && cell.wire === "responses" && cell.provider !== "responses") {
    return { unsaid: "it asks only models whose names it knows" };
  }
  return cell.provider === "chat" && cell.wire === "messages" ? { dropped: "thinking" } : "works";
}

const reasoning: Behaviour[] = [
  {
    name: "reasoning is asked for and shown",
    question: { reasons: true },
    answers: [{ thinking: THOUGHT, text: "Hello world" }],
    outcome: reasoningOutcome,
    check(reply, asked) {
      expect(asked.reasons).toBe(true);
      expect(reply.reasoning).toBe(THOUGHT.text);
      expect(reply.text).toBe("Hello world");
    },
  },
  {
    name: "reasoning, streamed",
    question: { reasons: true, stream: true },
    answers: [{ thinking: THOUGHT, text: "Hello world" }],
    outcome: reasoningOutcome,
    check(reply) {
      expect(reply.reasoning).toBe(THOUGHT.text);
      expect(reply.text).toBe("Hello world");
    },
  },
  ...[false, true].map(
    (stream): Behaviour => ({
      name: stream ? "the signature of streamed reasoning comes back" : "the signature of reasoning comes back",
      question: { reasons: true, tools: "auto", stream },
      answers: [{ thinking: THOUGHT, calls: [OSLO] }, HELLO],
      outcome: (cell) =>
        stream && isLangChain(cell) && cell.wire === "responses"
          ? { unsaid: "it drops the signature of streams" }
          : signatureOutcome(cell),
      next: (turns, reply) => [
        ...turns,
        { role: "kept", answer: reply },
        { role: "tool", call: reply.calls[0]!, text: "sunny" },
      ],
      check(reply, asked) {
        saysHello(reply);
        expect(asked.turns.flatMap(({ signatures }) => signatures)).toEqual([THOUGHT.signature]);
        expect(asked.turns.flatMap(({ calls }) => argsOf(calls))).toEqual([OSLO.args]);
      },
    }),
  ),
];

/** Whether the signature of what was thought comes back to its maker behind the results of a tool. */
function signatureOutcome(cell: Cell): Outcome {
  if (cell.provider === "chat") return { unsaid: "chat completions sign nothing" };
  return reasoningOutcome(cell);
}

interface ExpectedFailure {
  readonly answers: readonly Answer[];
  readonly status: number;
  readonly code: string;
  /** Class of the official clients: OpenAI's, Anthropic's where it differs. */
  readonly kind: readonly string[];
  readonly retryAfter?: string;
}

const FAILURES: Readonly<Record<string, ExpectedFailure>> = {
  "provider's 400": {
    answers: [{ status: 400 }],
    status: 400,
    code: "PROVIDER_REJECTED_REQUEST",
    kind: ["BadRequestError"],
  },
  "provider's 401": {
    answers: [{ status: 401 }],
    status: 502,
    code: "PROVIDER_AUTHENTICATION_ERROR",
    kind: ["InternalServerError"],
  },
  "provider's 403": {
    answers: [{ status: 403 }],
    status: 502,
    code: "PROVIDER_AUTHENTICATION_ERROR",
    kind: ["InternalServerError"],
  },
  "provider's 404": { answers: [{ status: 404 }], status: 404, code: "MODEL_NOT_FOUND", kind: ["NotFoundError"] },
  "provider's 413": {
    answers: [{ status: 413 }],
    status: 413,
    code: "PROVIDER_REQUEST_TOO_LARGE",
    kind: ["APIError", "ContentTooLargeError"],
  },
  "provider's 429, retry-after": {
    answers: [{ status: 429, retryAfter: "7" }],
    status: 429,
    code: "PROVIDER_RATE_LIMITED",
    kind: ["RateLimitError"],
    retryAfter: "7",
  },
  "provider's 500": { answers: [{ status: 500 }], status: 502, code: "PROVIDER_ERROR", kind: ["InternalServerError"] },
  "provider's 503": {
    answers: [{ status: 503 }],
    status: 503,
    code: "PROVIDER_UNAVAILABLE",
    kind: ["InternalServerError", "ServiceUnavailableError"],
  },
  "provider's 529": {
    answers: [{ status: 529 }],
    status: 503,
    code: "PROVIDER_UNAVAILABLE",
    kind: ["InternalServerError", "ServiceUnavailableError"],
  },
  "no answer in time": {
    answers: [{ hangs: true }],
    status: 504,
    code: "PROVIDER_TIMEOUT",
    kind: ["InternalServerError", "GatewayTimeoutError"],
  },
};

const isOfficial = ({ client }: Cell): boolean => client.startsWith("openai") || client.startsWith("anthropic");

const failures: Behaviour[] = Object.entries(FAILURES).map(([name, { answers, status, code, kind, retryAfter }]) => ({
  name,
  question: {},
  answers,
  impatient: answers.some(({ hangs }) => hangs === true),
  fails(failure, cell) {
    expect(failure.status, failure.message).toBe(status);
    if (isOfficial(cell)) expect(kind).toContain(failure.kind);
    if (!isLangChain(cell)) expect(failure.code).toBe(code);
    if (retryAfter !== undefined && !isLangChain(cell)) expect(failure.retryAfter).toBe(retryAfter);
    if (isOfficial(cell)) expect(failure.requestId).toMatch(/^req_/);
  },
}));

const retried: Behaviour[] = [
  {
    name: "429, and the client's own second try",
    question: { retries: 1 },
    answers: [{ status: 429, retryAfter: "1" }, HELLO],
    check: saysHello,
  },
];

const inStream: Behaviour[] = (
  [
    ["an error in mid-stream", "error", /scripted failure/],
    ["a connection that breaks in mid-stream", "drop", /broke off/],
    ["silence in mid-stream", "silence", /silence between chunks/],
  ] as const
).map(([name, breaks, words]) => ({
  name,
  question: { stream: true },
  impatient: breaks === "silence",
  answers: [{ text: "one two three four five six seven eight nine", breaks }],
  fails(failure, _cell, heard) {
    expect(heard).toContain("one");
    expect(failure.message).toMatch(words);
  },
}));

/** Each on its own, so that nothing else takes the time in which the provider must hear of it. */
export const ABORT: Behaviour = {
  name: "a client that leaves: the provider is told within 100 ms, what came is billed",
  question: { stream: true },
  answers: [{ text: "one two three four five six seven eight nine", breaks: "silence" }],
};

export const BEHAVIOURS: readonly Behaviour[] = [
  ...texts,
  ...requestIds,
  ...usage,
  ...toolUse,
  ...media,
  ...settings,
  ...reasoning,
  ...failures,
  ...retried,
  ...inStream,
];
