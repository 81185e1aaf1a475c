import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { JsonObject } from "../../../src/gateway/json.ts";
import { messagesFormat } from "./provider-anthropic.ts";
import { geminiFormat } from "./provider-gemini.ts";
import { chatFormat } from "./provider-openai.ts";
import { responsesFormat } from "./provider-responses.ts";
import type { Answer, Asked, ProviderFormat } from "./provider-script.ts";

/** Stands in a question's text and says which script its answer comes from, so that many can be asked at once. */
const MARK = /\[\[(\d+)\]\]/g;
const WRITE_BYTES = 64 * 1024;

export interface Script {
  /** To be put into the last text of the question. */
  readonly mark: string;
  readonly asked: Asked[];
  /** When the gateway closed a request before its answer was complete, as of `performance.now()`. */
  readonly cancelled: Promise<number>;
}

export interface ScriptedProvider {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Answers in this order; the last one again and again. */
  script(answers: readonly Answer[]): Script;
  close(): Promise<void>;
}

interface RunningScript extends Script {
  readonly answers: readonly Answer[];
  next: number;
  cancel(atMs: number): void;
}

/** One server that speaks all four formats, told apart by their paths. */
export async function startScriptedProvider(): Promise<ScriptedProvider> {
  const scripts = new Map<string, RunningScript>();
  const server = createServer((request, reply) => void serve(request, reply, scripts));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    script(answers) {
      const mark = `[[${scripts.size}]]`;
      let cancel: (atMs: number) => void = () => undefined;
      const cancelled = new Promise<number>((resolve) => {
        cancel = resolve;
      });
      const script = { mark, answers, next: 0, asked: [], cancelled, cancel };
      scripts.set(mark, script);
      return script;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(
  request: IncomingMessage,
  reply: ServerResponse,
  scripts: ReadonlyMap<string, RunningScript>,
): Promise<void> {
  // Model lists: the gateway takes the configured ones on trust.
  if (request.method === "GET") return void reply.writeHead(404).end("{}");
  const path = request.url ?? "";
  const text = await readText(request);
  const body = JSON.parse(text) as JsonObject;
  if (path.endsWith("/embeddings")) return answerJson(reply, 200, embeddings());
  const format = formatOf(path);
  const mark = [...text.matchAll(MARK)].at(-1)?.[0] ?? "";
  const script = scripts.get(mark);
  if (script === undefined) return answerJson(reply, 400, format.error(400));
  reply.once("close", () => {
    if (!reply.writableFinished) script.cancel(performance.now());
  });
  script.asked.push(format.read(body));
  const answer = script.answers[Math.min(script.next++, script.answers.length - 1)]!;
  const isStream = body["stream"] === true || path.includes(":streamGenerateContent");
  await write(reply, format, answer, isStream);
}

function formatOf(path: string): ProviderFormat {
  if (path.endsWith("/chat/completions")) return chatFormat;
  if (path.endsWith("/responses")) return responsesFormat;
  return path.endsWith("/messages") ? messagesFormat : geminiFormat;
}

async function write(reply: ServerResponse, format: ProviderFormat, answer: Answer, isStream: boolean): Promise<void> {
  const { status, retryAfter, breaks } = answer;
  if (answer.hangs === true) return;
  if (status !== undefined) {
    return answerJson(
      reply,
      status,
      format.error(status),
      retryAfter === undefined ? {} : { "retry-after": retryAfter },
    );
  }
  if (!isStream) return answerJson(reply, 200, format.whole(answer));
  reply.writeHead(200, { "content-type": "text/event-stream" });
  const events = format.stream(answer);
  const stream = Buffer.from(breaks === undefined ? events.join("") : beginning(events));
  const step = answer.writeBytes ?? WRITE_BYTES;
  for (let from = 0; from < stream.length; from += step) {
    reply.write(stream.subarray(from, from + step));
    // Each write on its own, or the kernel would join them again.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (breaks === "silence") return;
  if (breaks === "drop") return void setTimeout(() => reply.destroy(), 30);
  if (breaks === "error") reply.write(format.errorEvent());
  reply.end();
}

/** The first half, which has some of the text. */
function beginning(events: readonly string[]): string {
  return events.slice(0, Math.ceil(events.length / 2)).join("");
}

function answerJson(reply: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  reply.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function embeddings(): JsonObject {
  const data = [{ object: "embedding", index: 0, embedding: [0.25, -0.5] }];
  return { object: "list", data, model: "m-embed", usage: { prompt_tokens: 3, total_tokens: 3 } };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
