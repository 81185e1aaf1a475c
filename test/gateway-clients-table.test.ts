import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { start } from "../src/gateway/index.ts";
import type { Role } from "../src/runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../src/runtime/testing.ts";
import { clientsOf } from "./support/clients/all-clients.ts";
import {
  ABORT,
  BEHAVIOURS,
  type Behaviour,
  type Cell,
  PROVIDERS,
  type ProviderId,
} from "./support/clients/behaviours.ts";
import { type Client, ClientFailure, type Question, type Reply } from "./support/clients/dialogue.ts";
import { ENDPOINTS } from "./support/clients/endpoints.ts";
import { type ScriptedProvider, startScriptedProvider } from "./support/clients/scripted-provider.ts";

/**
 * Every behaviour with every client against every format of provider. The clients are the real ones, the providers speak
 * their formats from scripts, and both sides are checked: what the client got, and what the provider was asked.
 */
vi.setConfig({ maxConcurrency: 24 });

const CLIENTS = clientsOf("");

/** A gateway and the clients that call it. */
interface Caller {
  readonly context: TestContext;
  readonly role: Role;
  readonly clients: ReadonlyMap<string, Client>;
}

let provider: ScriptedProvider;
let patient: Caller;
let impatient: Caller;

async function startCaller(timeouts: { attempt: string; streamIdle: string }): Promise<Caller> {
  const v1 = `${provider.url}/v1`;
  const apiKey = "k";
  const context = await testContext("gateway", {
    mode: "live",
    gateway: {
      providers: {
        plain: { type: "openai", baseUrl: v1, apiKey, models: ["m-1", "m-embed"] },
        // The name tells that it has Responses, the model that it has nothing else.
        openai: { type: "openai", baseUrl: v1, apiKey, models: ["gpt-5-pro"] },
        anthropic: { type: "anthropic", baseUrl: provider.url, apiKey, models: ["claude-sonnet-4-5"] },
        gemini: { type: "gemini", baseUrl: `${provider.url}/v1beta`, apiKey, models: ["gemini-2.5-flash"] },
      },
      timeouts,
      retries: { max: 0 },
      // The faults are many and on purpose; the breaker has tests of its own.
      breaker: { consecutiveFailures: 100_000, windowRequestsMin: 100_000 },
      concurrency: { active: 1_000, queued: 1_000 },
      velocityMode: { requestsMin: 100_000 },
    },
  });
  const role = await start(context);
  const clients = new Map(clientsOf(role.urls["main"]!).map((client) => [client.id, client]));
  return { context, role, clients };
}

beforeAll(async () => {
  globalThis.AI_SDK_LOG_WARNINGS = false; // It does not know the fixtures' models and says so each time.
  provider = await startScriptedProvider();
  patient = await startCaller({ attempt: "60s", streamIdle: "60s" });
  impatient = await startCaller({ attempt: "4s", streamIdle: "3s" });
  await keysAreRead();
});

/** Until the keys of the database are read, an unknown one is 503. */
async function keysAreRead(): Promise<void> {
  const headers = { authorization: "Bearer wrong" };
  await vi.waitFor(async () => {
    expect((await fetch(`${patient.role.urls["main"]}/v1/models`, { headers })).status).toBe(401);
  }, 30_000);
}

afterAll(async () => {
  for (const caller of [patient, impatient]) {
    await caller?.role.close();
    await caller?.context.dispose();
  }
  await provider?.close();
});

async function ask(
  behaviour: Behaviour,
  cell: Cell,
  turns: Question["turns"],
  onText?: (text: string) => void,
): Promise<Reply> {
  const { model } = PROVIDERS[cell.provider];
  const question: Question = { apiKey: TEST_ADMIN_KEY, ...behaviour.question, model, turns, ...(onText && { onText }) };
  const { clients } = behaviour.impatient ? impatient : patient;
  return clients.get(cell.client)!.ask(question);
}

async function failureOf(asked: Promise<unknown>): Promise<ClientFailure> {
  const failure = await asked.then(
    (reply) => `no failure, but ${JSON.stringify(reply).slice(0, 300)}`,
    (thrown: unknown) => thrown,
  );
  if (!(failure instanceof ClientFailure)) throw failure instanceof Error ? failure : new Error(String(failure));
  return failure;
}

async function checkCell(behaviour: Behaviour, cell: Cell): Promise<void> {
  const outcome = behaviour.outcome?.(cell) ?? "works";
  const script = provider.script(behaviour.answers);
  const turns = behaviour.turns?.(script.mark, cell) ?? [{ role: "user" as const, text: `Hello ${script.mark}` }];
  let heard = "";
  const asked = ask(behaviour, cell, turns, (text) => {
    heard = text;
  });
  if (behaviour.fails !== undefined) {
    behaviour.fails(await failureOf(asked), cell, heard);
    return;
  }
  if (typeof outcome === "object" && "refused" in outcome) {
    const { status, message, code } = await failureOf(asked);
    expect(status, message).toBe(400);
    expect(message).toMatch(/cannot be expressed/);
    if (code !== undefined) expect(code).toBe("NOT_TRANSLATABLE");
    expect(script.asked).toEqual([]);
    return;
  }
  let reply = await asked;
  if (behaviour.next !== undefined) reply = await ask(behaviour, cell, behaviour.next(turns, reply));
  expect(script.asked.length).toBe(behaviour.answers.length);
  if (outcome === "works" || "except" in outcome) behaviour.check?.(reply, script.asked.at(-1)!, cell);
  else if ("dropped" in outcome && reply.dropped !== undefined) expect(reply.dropped).toContain(outcome.dropped);
}

const providerIds = Object.keys(PROVIDERS) as ProviderId[];

for (const behaviour of BEHAVIOURS) {
  describe.concurrent(behaviour.name, () => {
    for (const { id: client, wire } of CLIENTS) {
      for (const id of providerIds) {
        const cell: Cell = { client, wire, provider: id };
        const outcome = behaviour.outcome?.(cell) ?? "works";
        if (typeof outcome === "object" && "unsaid" in outcome) continue;
        test(`${client} → ${PROVIDERS[id].title}`, { timeout: 60_000 }, () => checkCell(behaviour, cell));
      }
    }
  });
}

describe.concurrent("beside it", () => {
  for (const { name, clients } of ENDPOINTS) {
    for (const [client, check] of Object.entries(clients)) {
      test(`${name}: ${client}`, { timeout: 60_000 }, () =>
        check({ url: patient.role.urls["main"]!, apiKey: TEST_ADMIN_KEY, provider }),
      );
    }
  }
});

/** The newest entry of the request history. */
async function lastRequest(): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${TEST_ADMIN_KEY}` };
  const reply = await fetch(`${patient.role.urls["main"]}/v1/requests?limit=1`, { headers });
  return ((await reply.json()) as { data: Record<string, unknown>[] }).data[0]!;
}

describe(ABORT.name, () => {
  for (const { id: client, wire } of CLIENTS) {
    for (const id of providerIds) {
      // Again where the machine itself was busy for so long.
      test(`${client} → ${PROVIDERS[id].title}`, { retry: 2 }, async () => {
        const script = provider.script(ABORT.answers);
        const controller = new AbortController();
        let leftAtMs = 0;
        const turns = [{ role: "user" as const, text: script.mark }];
        const leaving = { ...ABORT, question: { ...ABORT.question, signal: controller.signal } };
        const asked = ask(leaving, { client, wire, provider: id }, turns, (text) => {
          if (leftAtMs > 0 || !text.includes("one")) return;
          leftAtMs = performance.now();
          controller.abort();
        });
        const ended = asked.catch(() => "left");
        expect((await script.cancelled) - leftAtMs).toBeLessThan(100);
        await ended;
        expect(leftAtMs).toBeGreaterThan(0);
        const { model } = PROVIDERS[id];
        const last = await vi.waitFor(async () => {
          const found = await lastRequest();
          expect(found["status"]).not.toBe("in_progress");
          return found;
        });
        expect(last).toMatchObject({ requested_model: model, status: "aborted" });
        // The provider had told no counts for what it had sent: they are estimated, or its first event's.
        const { input_tokens, output_tokens } = last["usage"] as Record<string, number>;
        expect(input_tokens).toBeGreaterThan(0);
        expect(output_tokens).toBeGreaterThan(0);
      });
    }
  }
});
