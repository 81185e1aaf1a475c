import { afterEach, expect } from "vitest";
import type { ConfigInput } from "../../config/schema.ts";
import {
  type FixtureAnswer,
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  startFixtureProvider,
} from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

/** An answer as it should be. */
export const good = json(OPENAI_COMPLETION);
export const MESSAGES = [{ role: "user", content: "x" }];
export const THREE_KEYS = [
  { key: "sk-aaa", name: "a" },
  { key: "sk-bbb", name: "b" },
  { key: "sk-ccc", name: "c" },
];

export interface RoutingHarness {
  /** A provider that lives until the end of the test. */
  provider(answer?: FixtureAnswer): Promise<FixtureProvider>;
  /** A gateway that lives until the end of the test. */
  start(gateway: NonNullable<ConfigInput["gateway"]>): Promise<TestGateway>;
}

/** What the tests of routing over real connections share; call it once at the top of a file. */
export function routingHarness(): RoutingHarness {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  return {
    async provider(answer = good) {
      const fixture = await startFixtureProvider(answer);
      closing.push(() => fixture.close());
      return fixture;
    },
    async start(gateway) {
      const started = await startTestGateway({ gateway });
      closing.push(() => started.close());
      return started;
    },
  };
}

/** Asks for a chat completion of `m-1`, unless `body` says otherwise. */
export function ask(gateway: TestGateway, body: object = {}, headers: Record<string, string> = {}): Promise<Response> {
  return gateway.post("/v1/chat/completions", { model: "m-1", messages: MESSAGES, ...body }, headers);
}

/** What `GET /v1/requests/{id}` tells of an answered request. */
export async function requestOf(gateway: TestGateway, reply: Response): Promise<Record<string, unknown>> {
  const found = await gateway.get(`/v1/requests/${reply.headers.get("x-request-id")}`);
  expect(found.status).toBe(200);
  return (await found.json()) as Record<string, unknown>;
}

/** The key that a call to a provider carried. */
export const keyOf = ({ headers }: { headers: { authorization?: string } }): string => headers.authorization!.slice(7);
