import { afterEach, expect, test } from "vitest";
import type { AnswerPlace, AnswerStore } from "./answer-store.ts";
import type { CachedReply } from "./cached-answer.ts";

const HOUR_MS = 3_600_000;

function place(key: string, rest: Partial<AnswerPlace> = {}): AnswerPlace {
  return { key: key.padEnd(64, "0"), keyHash: "0123456789abcdef", model: "gpt-4o-mini", ...rest };
}

function reply(text: string, rest: Partial<CachedReply> = {}): CachedReply {
  return {
    stream: true,
    contentType: "text/event-stream; charset=utf-8",
    bytes: Buffer.from(text),
    provider: "openai",
    model: "gpt-4o-mini",
    responseId: "chatcmpl-1",
    finishReason: "stop",
    simulated: true,
    costUsd: 0.000123,
    chunks: 7,
    storedAtMs: 1_700_000_000_000,
    ...rest,
  };
}

/** What every place for answers must do. @param open Makes an empty one. */
export function answerStoreSuite(open: () => Promise<{ store: AnswerStore; close(): Promise<void> }>): void {
  const opened: { close(): Promise<void> }[] = [];
  const fresh = async (): Promise<AnswerStore> => {
    const one = await open();
    opened.push(one);
    return one.store;
  };
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  /** Writing is in the background. */
  const kept = async (store: AnswerStore, where: AnswerPlace): Promise<void> => {
    await expect.poll(() => store.get(where)).toBeDefined();
  };

  test("what is kept comes back as it was", async () => {
    const store = await fresh();
    const text = 'data: {"a":"ü 😀\\u0000 \\n"}\n\ndata: [DONE]\n\n';
    store.set(place("a"), reply(text), HOUR_MS);
    store.set(place("b"), reply("{}", { stream: false, responseId: undefined, finishReason: undefined }), HOUR_MS);
    await kept(store, place("b"));
    expect(await store.get(place("a"))).toEqual(reply(text));
    expect(await store.get(place("b"))).toEqual(
      reply("{}", { stream: false, responseId: undefined, finishReason: undefined }),
    );
    expect(await store.get(place("c"))).toBeUndefined();
  });

  test("it ends after its time", async () => {
    const store = await fresh();
    store.set(place("a"), reply("x"), 150);
    await kept(store, place("a"));
    await expect.poll(() => store.get(place("a")), { timeout: 2_000 }).toBeUndefined();
  });

  test("a purge throws away what it names and nothing else", async () => {
    const store = await fresh();
    const mine = place("a");
    const other = place("b", { keyHash: "fedcba9876543210" });
    const dear = place("c", { model: "gpt-4o" });
    const dearOther = place("d", { model: "gpt-4o", keyHash: "fedcba9876543210" });
    for (const where of [mine, other, dear, dearOther]) store.set(where, reply("x"), HOUR_MS);
    for (const where of [mine, other, dear, dearOther]) await kept(store, where);
    expect(await store.purge({ model: "gpt-4o", keyHash: "fedcba9876543210" })).toBe(1);
    expect(await store.get(dearOther)).toBeUndefined();
    expect(await store.purge({ model: "gpt-4o" })).toBe(1);
    expect(await store.purge({ keyHash: "fedcba9876543210" })).toBe(1);
    expect(await store.get(mine)).toBeDefined();
    expect(await store.purge({})).toBe(1);
    expect(await store.get(mine)).toBeUndefined();
  });
}
