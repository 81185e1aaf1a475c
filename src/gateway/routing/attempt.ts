import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import type { CancelSignal } from "../cancellation.ts";
import { GatewayError } from "../errors.ts";
import { type JsonObject, parseObject } from "../json.ts";
import { UPSTREAM_BODY_BYTES_MAX, UPSTREAM_ERROR_BYTES_MAX } from "../limits.ts";
import { rewrittenReply, rewrittenStream } from "../providers/rewritten.ts";
import { readBody, UpstreamCall } from "../providers/upstream-call.ts";
import { UpstreamError } from "../providers/upstream-error.ts";
import { postOptions } from "../providers/upstream-request.ts";
import { nowMs, unixMs } from "../record.ts";
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
import type { AttemptLimits } from "./attempt-limits.ts";
import { type LatePhase, PhaseWatch } from "./phase-watch.ts";
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
  readonly signal: CancelSignal;
}

/**
 * Sends the request to one provider and waits for its answer, or for the first real chunk of it.
 * @param limits For that; a stream that has begun has limits of its own.
 * @throws AttemptFailure; GatewayError NOT_TRANSLATABLE; the signal's reason.
 */
export async function sendAttempt(
  input: AttemptInput,
  target: Target,
  attempt: AttemptRecord,
  limits: AttemptLimits,
): Promise<Answer> {
  const { conversation, signal } = input;
  const { provider, model } = target;
  const { body, dropped } = conversation.requestFor(provider, model);
  signal.throwIfAborted();
  const json = await authorizedPost(input, target, attempt, body);
  signal.throwIfAborted();
  const options = conversation.media?.requestOptions(json, provider, model) ?? json;
  const call = new UpstreamCall(provider.pool, options);
  const watch = new PhaseWatch(call, limits);
  let converter: StreamConverter | undefined;
  const aborted = (): void => call.cancel("client gone or shutdown");
  signal.addEventListener("abort", aborted);
  try {
    const { status, headers } = await call.head;
    const headAtMs = nowMs();
    attempt.statusCode = status;
    attempt.headAtMs = headAtMs;
    const providerRequestId = headers["x-request-id"] ?? headers["request-id"];
    if (typeof providerRequestId === "string") attempt.providerRequestId = providerRequestId.slice(0, 128);
    if (status < 200 || status > 299) {
      const text = await errorText(call);
      throw failureOfStatus(provider, model, status, headers, text);
    }
    const begun = { target, attempt, dropped, headers, headAtMs };
    if (conversation.stream) {
      if (conversation.media === undefined) checkEventStream(headers, target);
      converter = rewrittenStream(provider, model, conversation.streamConverter(provider, model));
      const relay = await openStream(call, converter, target);
      return { ...begun, kind: "stream", relay, converter };
    }
    const { bytes, meter } = await readReply(call, input, target, headers);
    return { ...begun, kind: "json", bytes, meter };
  } catch (error) {
    call.cancel("the attempt failed");
    if (call.startedAt !== undefined) attempt.connectedAtMs = unixMs(call.startedAt);
    if (signal.aborted) {
      if (converter?.meter.usage !== undefined) attempt.spent = converter.meter.usage;
      throw signal.reason;
    }
    if (watch.late !== undefined) throw lateFailure(target, watch.late, limits);
    if (error instanceof UpstreamError) throw failureOfUpstream(provider, error);
    throw error;
  } finally {
    watch.stop();
    signal.removeEventListener("abort", aborted);
  }
}

/** @throws AttemptFailure where a token cannot be had. */
async function authorizedPost(
  input: AttemptInput,
  { provider, model, credential = provider.credentials[0]! }: Target,
  attempt: AttemptRecord,
  body: JsonObject,
): Promise<Dispatcher.DispatchOptions> {
  const { record, conversation, clientHeaders, sampled } = input;
  const path = conversation.pathFor(provider, model);
  const { stream } = conversation;
  try {
    return await postOptions({
      provider,
      credential,
      model,
      path,
      body,
      stream,
      record,
      attempt,
      clientHeaders,
      sampled,
    });
  } catch (error) {
    if (error instanceof UpstreamError) throw failureOfUpstream(provider, error);
    throw error;
  }
}

function lateFailure({ provider }: Target, phase: LatePhase, limits: AttemptLimits): AttemptFailure {
  const reason = lateReason(phase, limits);
  return new AttemptFailure(new GatewayError("PROVIDER_TIMEOUT", { provider: provider.name, reason }), true, true);
}

function lateReason(phase: LatePhase, limits: AttemptLimits): string {
  switch (phase) {
    case "start":
      return `no connection was to be had within ${shownSeconds(limits.startMs)}.`;
    case "write":
      return `it did not take the request within ${shownSeconds(limits.writeMs)}.`;
    case "read":
      return `it was silent for ${shownSeconds(limits.readMs)}.`;
    case "attempt":
      return `the limit of ${shownSeconds(limits.attemptMs)} passed.`;
    case "floor":
      return `its stream brought less than ${limits.bytesPerSecondMin} bytes a second.`;
  }
}

function shownSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
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

function checkEventStream(headers: IncomingHttpHeaders, { provider, model }: Target): void {
  const contentType = headers["content-type"] ?? "";
  if (contentType.startsWith(provider.wire(model).streamType)) return;
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
    if (body !== undefined) provider.wire(model).adjustReply?.(body);
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
  const adjusted = rewrittenReply(provider, model, bytes, reply);
  if (reply["error"] !== undefined && reply["error"] !== null) {
    throw failureOfStreamedError(provider, model, streamedError(reply));
  }
  const converted = conversation.convertReply(provider, adjusted, reply, model);
  if (converted === undefined) throw invalidResponse(provider, "it has no answer in it");
  return converted;
}
