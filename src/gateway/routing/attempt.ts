import type { IncomingHttpHeaders } from "node:http";
import { GatewayError } from "../errors.ts";
import { parseObject } from "../json.ts";
import { UPSTREAM_BODY_BYTES_MAX, UPSTREAM_ERROR_BYTES_MAX } from "../limits.ts";
import { readBody, UpstreamCall } from "../providers/upstream-call.ts";
import { UpstreamError } from "../providers/upstream-error.ts";
import { postOptions } from "../providers/upstream-request.ts";
import { nowMs } from "../record.ts";
import type { AttemptRecord, RequestRecord } from "../request-record.ts";
import { type StreamConverter, type StreamMeter, streamedError } from "../stream/converter.ts";
import { StreamRelay } from "../stream/relay.ts";
import { replyObject } from "../translation/conversation.ts";
import type { Dialogue } from "../translation/dialogue.ts";
import {
  AttemptFailure,
  failureOfStatus,
  failureOfStreamedError,
  failureOfUpstream,
  invalidResponse,
} from "./attempt-failure.ts";
import type { Target } from "./resolve.ts";

/** A provider's answer: complete, or a stream whose first real chunk has come. */
export type Answer = {
  readonly target: Target;
  readonly attempt: AttemptRecord;
  /** Names of request members that the provider's format cannot say. */
  readonly dropped: readonly string[];
  /** The provider's reply headers. */
  readonly headers: IncomingHttpHeaders;
  /** Unix ms of the provider's status line. */
  readonly headAtMs: number;
} & (
  | { readonly kind: "json"; readonly bytes: Buffer; readonly meter: StreamMeter }
  | { readonly kind: "stream"; readonly relay: StreamRelay; readonly converter: StreamConverter }
);

export interface AttemptInput {
  readonly record: RequestRecord;
  readonly conversation: Dialogue;
  readonly clientHeaders: IncomingHttpHeaders;
  /** Whether the request's trace is exported. */
  readonly sampled: boolean;
  /** Aborted when the client has gone, or with a GatewayError as reason at shutdown. */
  readonly signal: AbortSignal;
}

/**
 * Sends the request to one provider and waits for its answer, or for the first real chunk of it.
 * @param limitMs For that; a stream that has begun has limits of its own.
 * @throws AttemptFailure; GatewayError NOT_TRANSLATABLE; the signal's reason.
 */
export async function sendAttempt(
  input: AttemptInput,
  target: Target,
  attempt: AttemptRecord,
  limitMs: number,
): Promise<Answer> {
  const { record, conversation, clientHeaders, sampled, signal } = input;
  const { provider, model } = target;
  const { body, dropped } = conversation.requestFor(provider, model);
  signal.throwIfAborted();
  const json = postOptions(provider, conversation.pathFor(provider), body, record, attempt, clientHeaders, sampled);
  const options = conversation.media?.requestOptions(json, provider, model) ?? json;
  const call = new UpstreamCall(provider.pool, options);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    call.cancel("attempt limit");
  }, limitMs);
  const aborted = (): void => call.cancel("client gone or shutdown");
  signal.addEventListener("abort", aborted);
  try {
    const { status, headers } = await call.head;
    const headAtMs = nowMs();
    attempt.statusCode = status;
    if (status < 200 || status > 299) {
      const text = await errorText(call);
      throw failureOfStatus(provider, model, status, headers, text);
    }
    const begun = { target, attempt, dropped, headers, headAtMs };
    if (conversation.stream) {
      if (conversation.media === undefined) checkEventStream(headers, target);
      const converter = conversation.streamConverter(provider);
      const relay = await openStream(call, converter, target);
      return { ...begun, kind: "stream", relay, converter };
    }
    const { bytes, meter } = await readReply(call, input, target, headers);
    return { ...begun, kind: "json", bytes, meter };
  } catch (error) {
    call.cancel("the attempt failed");
    if (signal.aborted) throw signal.reason;
    if (late) throw lateFailure(target, limitMs);
    if (error instanceof UpstreamError) throw failureOfUpstream(provider, error);
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
  }
}

function lateFailure({ provider }: Target, limitMs: number): AttemptFailure {
  const reason = `the limit of ${Math.round(limitMs / 100) / 10} s passed.`;
  return new AttemptFailure(new GatewayError("PROVIDER_TIMEOUT", { provider: provider.name, reason }), true, true);
}

/** The text of an error body; an unreadable one is no text, the status says enough. */
async function errorText(call: UpstreamCall): Promise<string> {
  try {
    return (await readBody(call, UPSTREAM_ERROR_BYTES_MAX)).toString("utf8");
  } catch (error) {
    if (error instanceof UpstreamError && error.failure !== "cancelled") return "";
    throw error;
  }
}

function checkEventStream(headers: IncomingHttpHeaders, { provider }: Target): void {
  const contentType = headers["content-type"] ?? "";
  if (contentType.startsWith("text/event-stream")) return;
  // A JSON error inside a 200 is read as what it is; anything else is no stream. Some servers send no type at all.
  if (contentType === "" || contentType.startsWith("application/json")) return;
  throw invalidResponse(
    provider,
    `content type ${JSON.stringify(contentType.slice(0, 80))} instead of an event stream`,
  );
}

async function openStream(call: UpstreamCall, converter: StreamConverter, target: Target): Promise<StreamRelay> {
  const { provider, model } = target;
  const relay = new StreamRelay(call, converter);
  call.consume(relay);
  const broken = await relay.opened;
  if (broken === undefined) return relay;
  if (converter.providerError !== undefined) throw failureOfStreamedError(provider, model, converter.providerError);
  if (broken.kind === "connection") throw broken.error;
  if (converter.unreadText !== "") {
    const body = parseObject(converter.unreadText);
    if (body?.["error"]) throw failureOfStreamedError(provider, model, streamedError(body));
    throw invalidResponse(provider, "it is no event stream");
  }
  if (converter.meter.chunksDropped > 0) throw invalidResponse(provider, "no event of its stream could be read");
  throw new AttemptFailure(new GatewayError("EMPTY_STREAM", { provider: provider.name }), true, true);
}

async function readReply(
  call: UpstreamCall,
  { conversation }: AttemptInput,
  { provider, model }: Target,
  headers: IncomingHttpHeaders,
): Promise<{ bytes: Buffer; meter: StreamMeter }> {
  const bytes = await readBody(call, UPSTREAM_BODY_BYTES_MAX);
  const text = conversation.media?.convertText?.(bytes, headers);
  if (text !== undefined) return text;
  const reply = replyObject(bytes);
  if (reply === undefined) throw invalidResponse(provider, "it is not JSON");
  if (reply["error"] !== undefined && reply["error"] !== null) {
    throw failureOfStreamedError(provider, model, streamedError(reply));
  }
  const converted = conversation.convertReply(provider, bytes, reply);
  if (converted === undefined) throw invalidResponse(provider, "it has no answer in it");
  return converted;
}
