import { spawn } from "node:child_process";
import { isObject, type JsonObject, objectAt, parseObject, stringAt } from "../../../src/gateway/json.ts";
import { type Client, ClientFailure, type ClientWire, type Question, type Reply } from "./dialogue.ts";
import { chatBody, messagesBody, responsesBody } from "./wire-bodies.ts";
import { droppedIn, fromChunks, fromCompletion, fromMessage, fromResponse } from "./wire-replies.ts";

const ENDPOINTS = {
  chat: { path: "/v1/chat/completions", body: chatBody, whole: fromCompletion },
  responses: { path: "/v1/responses", body: responsesBody, whole: fromResponse },
  messages: { path: "/v1/messages", body: messagesBody, whole: fromMessage },
} satisfies Record<ClientWire, unknown>;

/** `curl`, with the headers of the vendors' quick starts; streams are put together as their references say. */
export function curlClients(url: string): Client[] {
  return (["chat", "responses", "messages"] as const).map((wire) => ({
    id: `curl ${wire}`,
    wire,
    ask: (question) => ask(url, wire, question),
  }));
}

async function ask(url: string, wire: ClientWire, question: Question): Promise<Reply> {
  const { path, body, whole } = ENDPOINTS[wire];
  const key = question.apiKey ?? "";
  const auth =
    wire === "messages" ? [`x-api-key: ${key}`, "anthropic-version: 2023-06-01"] : [`Authorization: Bearer ${key}`];
  const headers = ["Content-Type: application/json", ...auth].flatMap((header) => ["-H", header]);
  const retry = question.retries ? ["--retry", String(question.retries)] : [];
  const output = await curl(
    [...retry, `${url}${path}`, ...headers, "-d", "@-"],
    JSON.stringify(body(question)),
    question,
  );
  const { status, fields, text } = output;
  const about = { requestId: fields.get("x-request-id") ?? undefined, dropped: droppedIn(fields) };
  if (status >= 400) {
    const error = objectAt(parseObject(text) ?? {}, "error");
    throw failureOf(error, { status, retryAfter: fields.get("retry-after") ?? undefined, requestId: about.requestId });
  }
  if (!question.stream) return { ...whole(parseObject(text) ?? {}), ...about };
  const events = eventsOf(text);
  const failed = events.find((event) => isObject(event["error"]) || event["type"] === "error");
  if (failed !== undefined) {
    throw failureOf(isObject(failed["error"]) ? failed["error"] : failed, {
      status: undefined,
      retryAfter: undefined,
      requestId: undefined,
    });
  }
  return { ...joined[wire](events), ...about };
}

function failureOf(
  error: JsonObject,
  about: Pick<ClientFailure, "status" | "retryAfter" | "requestId">,
): ClientFailure {
  const code = stringAt(error, "gateway_code");
  return new ClientFailure(stringAt(error, "message") ?? "", { ...about, code, kind: stringAt(error, "type") ?? "" });
}

interface CurlOutput {
  readonly status: number;
  readonly fields: Headers;
  readonly text: string;
}

/** Runs curl with `-s -i -N`. */
export async function curl(
  options: readonly string[],
  input: string | undefined,
  { signal, onText }: Pick<Question, "signal" | "onText"> = {},
): Promise<CurlOutput> {
  const child = spawn("curl", ["-s", "-i", "-N", "-H", "Expect:", "--max-time", "60", ...options]);
  signal?.addEventListener("abort", () => child.kill("SIGKILL"));
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    onText?.(Buffer.concat(chunks).toString("utf8"));
  });
  child.stdin.end(input ?? "");
  const exitCode = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  if (signal?.aborted)
    throw new ClientFailure("killed", {
      status: undefined,
      kind: "abort",
      code: undefined,
      retryAfter: undefined,
      requestId: undefined,
    });
  if (exitCode !== 0) throw new Error(`curl failed with exit code ${exitCode}`);
  // With --retry each try's answer is printed; the last one counts.
  const answers = Buffer.concat(chunks)
    .toString("utf8")
    .split(/(?=HTTP\/1\.1 \d{3} )/);
  const last = answers.at(-1) ?? "";
  const end = last.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = last.slice(0, end).split("\r\n");
  const fields = new Headers(
    lines.map((line): [string, string] => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
  return { status: Number(statusLine.split(" ")[1]), fields, text: last.slice(end + 4) };
}

function eventsOf(text: string): JsonObject[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)) as JsonObject);
}

/** What a stream's events amount to. */
const joined: Readonly<Record<ClientWire, (events: readonly JsonObject[]) => Omit<Reply, "requestId" | "dropped">>> = {
  chat: fromChunks,
  responses: (events) => fromResponse(objectAt(events.at(-1) ?? {}, "response")),
  messages(events) {
    const blocks: JsonObject[] = [];
    let message: JsonObject = {};
    for (const event of events) {
      const index = event["index"] as number;
      const delta = objectAt(event, "delta");
      if (event["type"] === "message_start") message = objectAt(event, "message");
      if (event["type"] === "content_block_start") blocks[index] = { ...objectAt(event, "content_block"), json: "" };
      if (event["type"] === "content_block_delta") {
        for (const member of ["text", "thinking", "signature"]) {
          const piece = stringAt(delta, member);
          if (piece !== undefined) blocks[index]![member] = (stringAt(blocks[index]!, member) ?? "") + piece;
        }
        blocks[index]!["json"] += stringAt(delta, "partial_json") ?? "";
      }
      if (event["type"] === "message_delta") {
        const usage = { ...objectAt(message, "usage"), ...objectAt(event, "usage") };
        message = { ...message, ...delta, usage };
      }
    }
    const content = blocks.map(({ json, ...block }) =>
      block["type"] === "tool_use" ? { ...block, input: JSON.parse(json as string) } : block,
    );
    return fromMessage({ ...message, content });
  },
};
