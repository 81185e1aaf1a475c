import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { start } from "../src/gateway/index.ts";
import type { Role } from "../src/runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../src/runtime/testing.ts";
import { aiSdkClients } from "./support/clients/ai-sdk-clients.ts";
import { BEHAVIOURS, type Behaviour, type Cell, PROVIDERS, type ProviderId } from "./support/clients/behaviours.ts";
import { curlClients } from "./support/clients/curl-clients.ts";
import { type Client, ClientFailure, type Question, type Reply } from "./support/clients/dialogue.ts";
import { langChainClients } from "./support/clients/langchain-clients.ts";
import { anthropicMessages, openAiChat, openAiResponses } from "./support/clients/official-clients.ts";
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

function clientsOf(url: string): Client[] {
  const official = [openAiChat(url), openAiResponses(url), anthropicMessages(url)];
  return [...official, ...aiSdkClients(url), ...langChainClients(url), ...curlClients(url)];
}

async function startCaller(timeouts: { attempt: string; streamIdle: string }): Promise<Caller> {
  const v1 = `${provider.url}/v1`;
  const apiKey = "k";
  const context = await testContext("gateway", {
    mode: "live",
    gateway: {
      providers: {
        plain: { type: "openai", baseUrl: v1, apiKey, models: ["m-1"] },
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
});

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
