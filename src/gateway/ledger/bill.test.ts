import { expect, test } from "vitest";
import type { Admission, AdmissionAsk } from "../access/admission.ts";
import { GatewayError } from "../errors.ts";
import { createRecord } from "../record.ts";
import type { RequestRecord } from "../request-record.ts";
import { Bill, type BillInput, type Till } from "./bill.ts";
import type { Settlement } from "./ledger.ts";

const INPUT_TOKENS = 100;
const OUTPUT_TOKENS_RESERVED = 1_024;

/** A till that writes down what it is asked and in which order. */
function till(refusal?: GatewayError) {
  const log: string[] = [];
  const asked: AdmissionAsk[] = [];
  const settled: Settlement[] = [];
  const given: [number, number][] = [];
  const admission: Admission = {
    admit(ask) {
      log.push("admit");
      asked.push(ask);
      if (refusal !== undefined) throw refusal;
      return { headers: { "x-limit": "1" }, settle: (tokens, nanoUsd) => void given.push([tokens, nanoUsd]) };
    },
  };
  const prices = {
    load: async () => void log.push("prices"),
    // A dear fallback: what is held is the dearest of those that may answer.
    worstUsd: (provider: string, _model: string, input: number, output: number) =>
      (input + output) * (provider === "dear" ? 1e-3 : 1e-6),
  };
  const made = {
    admission,
    prices,
    outputTokensReserved: () => OUTPUT_TOKENS_RESERVED,
    ledger: {
      open: () => {
        log.push("logged");
        return { settle: (settlement: Settlement) => void settled.push(settlement) };
      },
    },
  } as unknown as Till;
  return { till: made, log, asked, settled, given };
}

function record(unlimited: boolean, inference: Partial<NonNullable<RequestRecord["inference"]>> = {}): RequestRecord {
  const made = createRecord("POST", "/v1/chat/completions", "openai", { "content-length": "4000" });
  made.client = { keyName: "app", keyId: "key_1", keyHash: "00", tier: "basic", unlimited };
  const none = { temperature: undefined, topP: undefined, frequencyPenalty: undefined, presencePenalty: undefined };
  made.inference = {
    ...none,
    requestType: "chat_completion",
    requestedModel: "m",
    stream: false,
    maxTokens: undefined,
    toolCount: 0,
    ...inference,
  };
  return made;
}

const input = (made: RequestRecord, providers = ["cheap"]): BillInput => ({
  record: made,
  targets: providers.map((name) => ({ provider: { name, quirks: {} }, model: "m" })),
  conversation: { metered: true, estimateInputTokens: () => INPUT_TOKENS },
  address: undefined,
});

test("what may be used is held: the input, and max_tokens for each answer, or what is reserved without one", async () => {
  const { till: own, asked } = till();
  await Bill.open(own, input(record(false)));
  await Bill.open(own, input(record(false, { maxTokens: 50, choiceCount: 3 })));
  expect(asked.map(({ tokens }) => tokens)).toEqual([INPUT_TOKENS + OUTPUT_TOKENS_RESERVED, INPUT_TOKENS + 150]);
});

test("the dearest provider that may answer decides what is held, with room for an input that was counted too low", async () => {
  const { till: own, asked } = till();
  await Bill.open(own, input(record(false, { maxTokens: 80 }), ["cheap", "dear"]));
  expect(asked[0]!.nanoUsd).toBe((INPUT_TOKENS * 1.2 + 80) * 1e-3 * 1e9);
});

test("a key without limits waits for no prices and is held nothing", async () => {
  const { till: own, asked, log } = till();
  await Bill.open(own, input(record(true)));
  expect(log).toEqual(["admit"]);
  expect(asked[0]).toMatchObject({ nanoUsd: 0 });
});

test("it is logged before a provider is called, once, and settled once by what was used", async () => {
  const { till: own, log, settled, given } = till();
  const made = record(false);
  const bill = await Bill.open(own, input(made, ["cheap", "dear"]));
  expect(bill.headers).toEqual({ "x-limit": "1" });
  bill.begin();
  bill.begin();
  expect(log).toEqual(["prices", "admit", "logged"]);
  made.usage = { inputTokens: 7, outputTokens: 3, cachedInputTokens: 2, reasoningTokens: 1, source: "provider" };
  made.cost = { inputUsd: 1e-6, outputUsd: 2e-6, totalUsd: 3e-6, defaultPricing: false };
  bill.settle("success", { provider: "dear", model: "n" });
  bill.settle("error");
  expect(given).toEqual([[10, 3_000]]);
  expect(settled).toEqual([
    {
      provider: "dear",
      model: "n",
      tokens: { input: 7, output: 3, cachedInput: 2, cacheWriteInput: 0, reasoning: 1 },
      nanoUsd: 3_000,
      result: "success",
    },
  ]);
});

test("what is refused is neither logged nor settled", async () => {
  const refusal = new GatewayError("CONCURRENT_REQUEST_LIMIT", { limit: 1 });
  const { till: own, log } = till(refusal);
  await expect(Bill.open(own, input(record(false)))).rejects.toBe(refusal);
  expect(log).toEqual(["prices", "admit"]);
});

test("a request that nobody answered gives everything back and is settled with nothing used", async () => {
  const { till: own, settled, given } = till();
  const bill = await Bill.open(own, input(record(false)));
  bill.begin();
  bill.settle("error");
  expect(given).toEqual([[0, 0]]);
  expect(settled[0]).toMatchObject({ provider: "cheap", model: "m", nanoUsd: 0, result: "error" });
});
