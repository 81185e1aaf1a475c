import { createHash } from "node:crypto";
import type { Config } from "../../config/schema.ts";
import { includesKey } from "../cache/cache-control.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { CapturedContent, RequestRecord } from "../request-record.ts";
import { answerMessages } from "./answer-messages.ts";
import type { CaptureStore } from "./capture-store.ts";
import type { Redactor } from "./redactor.ts";

/** What a request puts before a model; the rest of a body is parameters, which the record has. */
const INPUT_MEMBERS = ["system", "instructions", "messages", "prompt", "input", "query", "documents", "tools"] as const;
const CUT_MARK = "…<cut>";
const LAST_WORD = /[^\s"'<>(){}[\],;]{1,4096}$/;

/** Keeps prompts and answers where the configuration asks for it, always redacted. */
export class Capture {
  readonly #config: Config["gateway"]["safety"]["capture"];
  readonly #redactor: Redactor;
  readonly #store: CaptureStore | undefined;

  constructor(config: Config["gateway"]["safety"]["capture"], redactor: Redactor, store: CaptureStore | undefined) {
    this.#config = config;
    this.#redactor = redactor;
    this.#store = store;
  }

  get textBytesMax(): number {
    return this.#config.textBytesMax;
  }

  /** Whether this request is one of those that are kept; the same request id always gets the same answer. */
  wants(record: RequestRecord): boolean {
    const { enabled, keys, sampleRatio } = this.#config;
    if (!enabled || record.probe || record.client === undefined) return false;
    if (!includesKey(keys, record.client.keyName)) return false;
    if (sampleRatio >= 1) return true;
    const share = createHash("sha256").update(record.requestId).digest().readUInt32BE(0) / 0x1_0000_0000;
    return share < sampleRatio;
  }

  /**
   * Redacts and keeps. What the body held is read now: it may be changed later.
   * @param answer What the client was sent, maybe cut; undefined where there was no answer.
   */
  take(record: RequestRecord, input: JsonObject, answer: { bytes: Buffer; whole: boolean } | undefined): void {
    const stream = record.inference?.stream === true;
    const output = answer === undefined ? "" : this.#text(answerMessages(answer.bytes, stream, answer.whole));
    const content: CapturedContent = { input: this.#text(input), output };
    if (this.#config.spans) record.captured = content;
    if (!this.#config.store) return;
    this.#store?.add({
      requestId: record.requestId,
      keyHash: record.client!.keyHash,
      atMs: record.startedAtMs,
      ...content,
    });
  }

  #text(value: unknown): string {
    const { textBytesMax } = this.#config;
    const text = JSON.stringify(this.#redactor.value(beginningOf(value, { chars: textBytesMax }))) ?? "";
    if (Buffer.byteLength(text) <= textBytesMax) return text;
    return (
      Buffer.from(text)
        .subarray(0, textBytesMax)
        .toString("utf8")
        .replace(/\ufffd$/, "") + CUT_MARK
    );
  }
}

/**
 * The value without the texts that will be cut anyway, so that a long prompt costs no more than a short one. A text is
 * cut before a word that might be half a secret.
 */
function beginningOf(value: unknown, left: { chars: number }): unknown {
  if (typeof value === "string") {
    if (value.length <= left.chars) {
      left.chars -= value.length;
      return value;
    }
    const kept = value.slice(0, left.chars).replace(LAST_WORD, "");
    left.chars = 0;
    return kept + CUT_MARK;
  }
  if (Array.isArray(value)) {
    const kept: unknown[] = [];
    for (const item of value) {
      if (left.chars <= 0) break;
      left.chars--; // So that a million empty items end, too.
      kept.push(beginningOf(item, left));
    }
    return kept;
  }
  if (!isObject(value)) return value;
  const kept: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    if (left.chars <= 0) break;
    left.chars -= name.length + 1;
    kept.push([name, beginningOf(member, left)]);
  }
  return Object.fromEntries(kept);
}

/** The part of a body that is content, by reference. */
export function inputOf(body: JsonObject): JsonObject {
  const input: JsonObject = {};
  for (const name of INPUT_MEMBERS) if (body[name] !== undefined) input[name] = body[name];
  return input;
}
