import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { ConfigInput } from "../../../config/schema.ts";
import { type JsonObject, parseObject } from "../../json.ts";

type ProviderInput = NonNullable<NonNullable<ConfigInput["gateway"]>["providers"]>[string];

/**
 * What a request is about, told by a word in its text: a plain answer, two parallel tool calls (after an earlier call and
 * its result), or the provider's refusals.
 */
export type Scenario = "plain" | "tools" | "rate-limit" | "bad-key" | "bad-request";
const SCENARIOS: readonly Scenario[] = ["tools", "rate-limit", "bad-key", "bad-request"];

export interface WireRequest {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Path and query as they came. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: JsonObject;
  readonly scenario: Scenario;
}

export interface WireReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Written one after the other, each cut in two, as networks do. */
  readonly pieces: readonly (string | Buffer)[];
}

/** Counts that a gateway must read out of the fixture's replies. */
export interface WireUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
}

/** One provider as its public reference documents it: what it accepts and what it answers. */
export interface WireFixture {
  /** Of the test. */
  readonly title: string;
  /** Name of the provider in the configuration. */
  readonly provider: string;
  /** As a client asks for it. */
  readonly model: string;
  config(url: string): ProviderInput;
  /** @throws Error for a request that the reference does not allow. */
  check(request: WireRequest): void;
  answer(request: WireRequest): WireReply;
  /** Of "Hello world", plain and streamed alike. */
  readonly usage: WireUsage;
  /** `error.code` that OpenAI's clients look at, of the refused request. */
  readonly badRequestCode?: string;
  /** What the model thinks before it answers, where the fixture's model does. */
  readonly reasoning?: string;
}

export interface WireServer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly seen: WireRequest[];
  /** What was wrong with requests; the provider answered 400 then. */
  readonly problems: string[];
  close(): Promise<void>;
}

/** A real HTTP server that plays the fixture's provider. */
export async function startWireServer(fixture: WireFixture): Promise<WireServer> {
  const seen: WireRequest[] = [];
  const problems: string[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const target = incoming.url ?? "/";
    const { pathname, searchParams } = new URL(target, "http://wire");
    const text = Buffer.concat(chunks).toString("utf8");
    const scenario = SCENARIOS.find((word) => text.includes(`scenario:${word}`)) ?? "plain";
    const about = { path: pathname, query: searchParams, target, headers: incoming.headers, text, scenario };
    const request = { method: incoming.method ?? "GET", ...about, body: parseObject(text) ?? {} };
    let reply: WireReply;
    try {
      seen.push(request);
      fixture.check(request);
      reply = fixture.answer(request);
    } catch (error) {
      const message = `${request.method} ${target}: ${(error as Error).message}`;
      problems.push(message);
      reply = { status: 400, pieces: [JSON.stringify({ error: { message }, message })] };
    }
    outgoing.writeHead(reply.status ?? 200, { "content-type": "application/json", ...reply.headers });
    for (const piece of reply.pieces) {
      const bytes = Buffer.from(piece);
      const half = bytes.length >> 1;
      outgoing.write(bytes.subarray(0, half));
      await new Promise(setImmediate);
      outgoing.write(bytes.subarray(half));
    }
    outgoing.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    problems,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function jsonReply(body: unknown, status = 200, headers: Record<string, string> = {}): WireReply {
  return { status, headers, pieces: [JSON.stringify(body)] };
}

export function sseReply(events: readonly (string | JsonObject)[], headers: Record<string, string> = {}): WireReply {
  const pieces = events.map((event) => (typeof event === "string" ? event : `data: ${JSON.stringify(event)}\n\n`));
  return { headers: { "content-type": "text/event-stream", ...headers }, pieces };
}

/** @throws Error naming what differs. */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** @throws Error when the request is not a POST to this path with this header. */
export function mustPost(request: WireRequest, path: string, header: string, value: string): void {
  must(request.method === "POST", "not a POST");
  must(request.path === path, `path is not ${path}`);
  must(request.headers[header] === value, `header ${header} is ${JSON.stringify(request.headers[header])}`);
  must(request.headers["content-type"] === "application/json", "content-type is not application/json");
}
