import { createHash, createHmac } from "node:crypto";
import { EventStreamCodec } from "@smithy/eventstream-codec";
import { isObject, type JsonObject, objectAt, objectsAt } from "../../json.ts";
import { jsonReply, must, mustPost, type WireFixture, type WireReply, type WireRequest } from "./wire-server.ts";

const ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE";
const SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const SESSION = "session-token";
const API_KEY = "bedrock-api-key-0123456789";
const MODEL = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
const PATH = `/model/${encodeURIComponent(MODEL)}/`;
/** Input leaves cached tokens out. */
const USAGE = { inputTokens: 10, outputTokens: 5, totalTokens: 25, cacheReadInputTokens: 8, cacheWriteInputTokens: 2 };
const REASONING = "Let me see.";

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString("utf8"),
  (text) => Buffer.from(text, "utf8"),
);

/** One message of an event stream. */
export function bedrockFrame(type: string, body: JsonObject, kind: "event" | "exception" = "event"): Buffer {
  const text = (value: string) => ({ type: "string" as const, value });
  const headers = {
    [kind === "event" ? ":event-type" : ":exception-type"]: text(type),
    ":content-type": text("application/json"),
    ":message-type": text(kind),
  };
  // `p` is padding of random length, which hides how long the tokens are.
  return Buffer.from(codec.encode({ headers, body: Buffer.from(JSON.stringify({ ...body, p: "abcdef" })) }));
}

function framesOf(content: readonly JsonObject[], stopReason: string): Buffer[] {
  const frames = [bedrockFrame("messageStart", { role: "assistant" })];
  for (const [contentBlockIndex, block] of content.entries()) {
    const delta = (one: JsonObject): void =>
      void frames.push(bedrockFrame("contentBlockDelta", { contentBlockIndex, delta: one }));
    if (isObject(block["toolUse"])) {
      const { input, ...start } = block["toolUse"];
      frames.push(bedrockFrame("contentBlockStart", { contentBlockIndex, start: { toolUse: start } }));
      const json = JSON.stringify(input);
      for (const piece of [json.slice(0, 5), json.slice(5)]) delta({ toolUse: { input: piece } });
    } else if (isObject(block["reasoningContent"])) {
      const { text, signature } = objectAt(block["reasoningContent"], "reasoningText");
      delta({ reasoningContent: { text } });
      delta({ reasoningContent: { signature } });
    } else for (const text of String(block["text"]).split(/(?= )/)) delta({ text });
    frames.push(bedrockFrame("contentBlockStop", { contentBlockIndex }));
  }
  frames.push(bedrockFrame("messageStop", { stopReason }));
  frames.push(bedrockFrame("metadata", { usage: USAGE, metrics: { latencyMs: 100 } }));
  return frames;
}

const HELLO = [
  { reasoningContent: { reasoningText: { text: REASONING, signature: "c2lnbmVk" } } },
  { text: "Hello world" },
];
const TOOLS = ["Oslo", "Rome"].map((city, index) => ({
  toolUse: { toolUseId: `tooluse_${index}`, name: "get_weather", input: { city } },
}));

function exception(name: string, message: string, status: number): WireReply {
  return jsonReply({ message }, status, { "x-amzn-errortype": `${name}:http://internal.amazon.com/coral/` });
}

function answer({ scenario, path }: WireRequest): WireReply {
  const content = scenario === "tools" ? TOOLS : HELLO;
  const stopReason = scenario === "tools" ? "tool_use" : "end_turn";
  switch (scenario) {
    case "rate-limit":
      return exception("ThrottlingException", "Too many requests, please wait before trying again.", 429);
    case "bad-key":
      return exception("UnrecognizedClientException", "The security token included in the request is invalid.", 403);
    case "bad-request":
      return exception("ValidationException", "too long", 400);
  }
  if (path.endsWith("/converse-stream")) {
    const headers = { "content-type": "application/vnd.amazon.eventstream" };
    return { headers, pieces: framesOf(content, stopReason) };
  }
  const output = { message: { role: "assistant", content } };
  return jsonReply({ output, stopReason, usage: USAGE, metrics: { latencyMs: 100 } });
}

function checkBody({ body, scenario }: WireRequest): void {
  const known = ["messages", "system", "inferenceConfig", "toolConfig", "additionalModelRequestFields"];
  for (const name of Object.keys(body)) must(known.includes(name), `unknown member ${name}`);
  const messages = objectsAt(body, "messages");
  must(messages[0]?.["role"] === "user", "a conversation must start with a user message");
  must(
    messages.every((one, index) => one["role"] !== messages[index - 1]?.["role"]),
    "roles must alternate",
  );
  must(JSON.stringify(body["system"]).includes("Be brief."), "the system text is missing");
  if (scenario !== "tools") return;
  const blocks = messages.flatMap((message) => objectsAt(message, "content"));
  const use = blocks.map((block) => block["toolUse"]).find(isObject);
  const result = blocks.map((block) => block["toolResult"]).find(isObject);
  must(use !== undefined && result !== undefined, "the history lost its call or result");
  must(use["toolUseId"] === result["toolUseId"], "result and call have different ids");
  must(isObject(use["input"]), "the input is no object");
  const spec = objectAt(objectsAt(objectAt(body, "toolConfig"), "tools")[0] ?? {}, "toolSpec");
  must(spec["name"] === "get_weather" && isObject(objectAt(spec, "inputSchema")["json"]), "the tool is missing");
}

/** Signature version 4, worked out anew from the request as it arrived (AWS General Reference, "Signing"). */
function checkSignature(request: WireRequest): void {
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/bedrock\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const match = pattern.exec(request.headers.authorization ?? "");
  must(match !== null, "no signature of version 4");
  const [, accessKey, day, region, signedHeaders, signature] = match;
  must(accessKey === ACCESS_KEY, "another access key");
  must(region === "eu-central-1", `region ${region}`);
  for (const name of ["host", "x-amz-date", "x-amz-security-token"]) {
    must(signedHeaders!.split(";").includes(name), `${name} is not signed`);
  }
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
  // Every segment of the path is encoded once more.
  const path = request.path.split("/").map(encodeURIComponent).join("/");
  const headers = signedHeaders!.split(";").map((name) => `${name}:${String(request.headers[name]).trim()}\n`);
  const canonical = [request.method, path, "", headers.join(""), signedHeaders, hash(request.text)].join("\n");
  const date = String(request.headers["x-amz-date"]);
  const scope = `${day}/${region}/bedrock/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", date, scope, hash(canonical)].join("\n");
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
  const key = ["aws4_request"].reduce<Buffer>(hmac, hmac(hmac(hmac(`AWS4${SECRET_KEY}`, day!), region!), "bedrock"));
  must(hmac(key, toSign).toString("hex") === signature, "SignatureDoesNotMatch");
}

const COMMON = {
  provider: "bedrock",
  model: MODEL,
  usage: { input: 20, output: 5, cacheRead: 8, cacheWrite: 2, reasoning: 0 },
  reasoning: REASONING,
  answer,
};

function pathOf(request: WireRequest): string {
  return `${PATH}${request.path.endsWith("/converse-stream") ? "converse-stream" : "converse"}`;
}

export const BEDROCK: readonly WireFixture[] = [
  {
    ...COMMON,
    title: "bedrock, signed",
    config: (url) => ({
      type: "bedrock",
      baseUrl: url,
      apiKey: `${ACCESS_KEY}:${SECRET_KEY}:${SESSION}`,
      region: "eu-central-1",
      models: [MODEL],
    }),
    check(request) {
      mustPost(request, pathOf(request), "x-amz-security-token", SESSION);
      checkSignature(request);
      checkBody(request);
    },
  },
  {
    ...COMMON,
    title: "bedrock, API key",
    config: (url) => ({ type: "bedrock", baseUrl: url, apiKey: API_KEY, models: [MODEL] }),
    check(request) {
      mustPost(request, pathOf(request), "authorization", `Bearer ${API_KEY}`);
      checkBody(request);
    },
  },
];
