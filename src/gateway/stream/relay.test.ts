import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { HELD_EVENTS_MAX } from "../limits.ts";
import type { UpstreamCall } from "../providers/upstream-call.ts";
import { UpstreamError } from "../providers/upstream-error.ts";
import { OPENAI_STREAM, openAiChunk } from "../testing/fixture-provider.ts";
import { OpenAiPassThrough } from "./openai-pass-through.ts";
import { breakError, StreamRelay } from "./relay.ts";

const LIMITS = { idleMs: 1_000, wallMs: 1_000 };

/** A provider's call and a client's socket that only note what is done to them. */
function setUp(): { relay: StreamRelay; client: FakeClient; notes: string[] } {
  const notes: string[] = [];
  const call = { activeAt: 0, resume: () => void notes.push("resume"), cancel: () => void notes.push("cancel") };
  return {
    relay: new StreamRelay(call as unknown as UpstreamCall, new OpenAiPassThrough(true)),
    client: new FakeClient(),
    notes,
  };
}

class FakeClient extends EventEmitter {
  text = "";
  full = false;
  writableNeedDrain = false;

  write(piece: Buffer | string): boolean {
    this.text += piece.toString();
    this.writableNeedDrain = this.full;
    return !this.full;
  }

  asResponse(): ServerResponse {
    return this as unknown as ServerResponse;
  }
}

const push = (relay: StreamRelay, ...pieces: string[]): boolean[] =>
  pieces.map((piece) => relay.data(Buffer.from(piece)));

test("nothing goes to the client before commit; then what was held, then the rest", async () => {
  const { relay, client, notes } = setUp();
  expect(push(relay, OPENAI_STREAM[0]!)).toEqual([true]);
  expect(push(relay, OPENAI_STREAM[1]!)).toEqual([false]); // The first real chunk: wait for the client's headers.
  expect(await relay.opened).toBeUndefined();
  relay.commit(client.asResponse(), LIMITS);
  expect(client.text).toBe(OPENAI_STREAM.slice(0, 2).join(""));
  expect(notes).toEqual(["resume"]);
  push(relay, ...OPENAI_STREAM.slice(2));
  expect(await relay.done).toBeUndefined();
  expect(client.text).toBe(OPENAI_STREAM.join(""));
  expect(relay.bytesWritten).toBe(Buffer.byteLength(client.text));
  expect(notes).not.toContain("cancel");
});

test("a whole answer in one piece is held until commit, too", async () => {
  const { relay, client } = setUp();
  push(relay, OPENAI_STREAM.join(""));
  expect(await relay.opened).toBeUndefined();
  relay.commit(client.asResponse(), LIMITS);
  expect(await relay.done).toBeUndefined();
  expect(client.text).toBe(OPENAI_STREAM.join(""));
  expect(client.listenerCount("drain")).toBe(0); // A connection serves many replies: each must leave it as it was.
});

test("a full client stops the provider; its drain lets it go on", async () => {
  const { relay, client, notes } = setUp();
  push(relay, openAiChunk({ content: "a" }));
  await relay.opened;
  relay.commit(client.asResponse(), LIMITS);
  client.full = true;
  expect(push(relay, openAiChunk({ content: "b" }))).toEqual([false]);
  notes.length = 0;
  client.emit("drain");
  expect(notes).toEqual(["resume"]);
  relay.cancel();
  expect(await relay.done).toEqual({ kind: "cancelled" });
});

test.each<[string, (relay: StreamRelay) => void, object]>([
  ["ends empty", (relay) => relay.end(), { kind: "empty" }],
  ["breaks", (relay) => relay.fail(new UpstreamError("reset", "gone")), { kind: "connection" }],
  ["says error", (relay) => void push(relay, 'data: {"error":{"message":"no"}}\n\n'), { kind: "provider error" }],
  ["ends with [DONE] alone", (relay) => void push(relay, "data: [DONE]\n\n"), { kind: "empty" }],
])("before the first chunk: a stream that %s is never opened", async (_name, act, broken) => {
  const { relay } = setUp();
  act(relay);
  expect(await relay.opened).toMatchObject(broken);
});

test("a provider that only sends frames is passed on at some point", async () => {
  const { relay } = setUp();
  for (let count = 0; count <= HELD_EVENTS_MAX; count++) push(relay, openAiChunk({ role: "assistant" }));
  expect(await relay.opened).toBeUndefined();
});

test.each<[string, (relay: StreamRelay) => void, { idleMs: number; wallMs: number }, string]>([
  [
    "its connection breaks",
    (relay) => relay.fail(new UpstreamError("reset", "the connection was reset")),
    LIMITS,
    "PROVIDER_STREAM_INTERRUPTED",
  ],
  ["it ends early", (relay) => relay.end(), LIMITS, "PROVIDER_STREAM_INTERRUPTED"],
  ["it falls silent", () => undefined, { ...LIMITS, idleMs: 20 }, "STREAM_TIMEOUT"],
  ["it takes too long", () => undefined, { ...LIMITS, wallMs: 20 }, "STREAM_TIMEOUT"],
])("after the first chunk: %s", async (_name, act, limits, code) => {
  const { relay, client } = setUp();
  push(relay, openAiChunk({ content: "a" }));
  await relay.opened;
  relay.commit(client.asResponse(), limits);
  act(relay);
  const broken = await relay.done;
  expect(breakError(broken!, "p").code).toBe(code);
  push(relay, openAiChunk({ content: "late" }));
  expect(client.text).not.toContain("late");
});
