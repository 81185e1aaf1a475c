import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { clientAddress } from "../access/client-address.ts";
import { isAdmin } from "../access/keys.ts";
import { type CachedAnswer, cachedBytes, cachedOutcome } from "../cache/cached-answer.ts";
import { Cancellation } from "../cancellation.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import type { Passage } from "../hooks/passage.ts";
import type { JsonObject } from "../json.ts";
import { Bill } from "../ledger/bill.ts";
import { endUserOf } from "../ledger/end-user.ts";
import { nowMs, unixMs } from "../record.ts";
import type { InferenceRequest, RequestOutcome, RequestRecord } from "../request-record.ts";
import type { Answer } from "../routing/attempt.ts";
import { AttemptFailure, failureOfStreamedError } from "../routing/attempt-failure.ts";
import { streamLimits } from "../routing/attempt-limits.ts";
import { answerFrom } from "../routing/failover.ts";
import { readWishes } from "../routing/preferences.ts";
import { settleAttempt } from "../routing/settle-attempt.ts";
import type { StreamMeter } from "../stream/converter.ts";
import { breakError } from "../stream/relay.ts";
import { isSampled } from "../telemetry/trace-sampling.ts";
import type { Dialogue } from "../translation/dialogue.ts";
import { estimateTokensOfChars } from "../usage/estimate.ts";
import { meteredUsage } from "../usage/metered-usage.ts";
import { addSpent } from "../usage/spent.ts";
import { withGatewayUsage } from "./gateway-usage.ts";
import { readJsonBody } from "./json-body.ts";
import { passedHeaders } from "./passed-headers.ts";
import { CLIENT_CLOSED_REQUEST, errorReply, recordedError } from "./request-state.ts";

const CLIENT_GONE = new Error("client gone");

/** What differs between the inference routes. */
export interface InferenceRoute {
  /** Reads a body that is no JSON. @throws GatewayError. */
  read?(gateway: Gateway, request: FastifyRequest): Promise<JsonObject>;
  /** @throws GatewayError INVALID_REQUEST. */
  validate(body: JsonObject): InferenceRequest;
  /** @throws GatewayError INVALID_REQUEST. */
  begin(body: JsonObject, record: RequestRecord): Dialogue;
}

/**
 * One inference request from body to last byte: decode, validate, reserve, route, answer, settle. The reply is written
 * to the socket directly; whatever happens, the record has an outcome when this resolves.
 */
export async function serveInference(
  gateway: Gateway,
  route: InferenceRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const exchange = new Exchange(gateway, request, reply);
  reply.hijack();
  request.exchange = exchange.run(route);
  await request.exchange;
}

class Exchange {
  readonly #gateway: Gateway;
  readonly #request: FastifyRequest;
  readonly #record: RequestRecord;
  readonly #raw: ServerResponse;
  readonly #headers: Record<string, string | string[] | number | undefined>;
  readonly #cancellation = new Cancellation();
  #bill: Bill | undefined;
  #leaveGate: (() => void) | undefined;
  #passage: Passage | undefined;

  constructor(gateway: Gateway, request: FastifyRequest, reply: FastifyReply) {
    this.#gateway = gateway;
    this.#request = request;
    this.#record = request.record!;
    this.#raw = reply.raw;
    this.#headers = reply.getHeaders() as Record<string, string>;
  }

  async run(route: InferenceRoute): Promise<void> {
    const { inFlight } = this.#gateway;
    const clientGone = (): void => this.#cancellation.abort(CLIENT_GONE);
    this.#raw.once("close", clientGone);
    this.#gateway.routing.recent.begin(this.#record);
    try {
      inFlight.enter(this.#cancellation);
      const { conversation, answer } = await this.#answer(route);
      if (answer.kind === "cached") this.#sendCached(conversation, answer);
      else if (answer.kind === "json") await this.#sendJson(conversation, answer);
      else await this.#sendStream(conversation, answer);
    } catch (error) {
      await this.#settle(error === CLIENT_GONE ? "cancelled" : "error", undefined);
      this.#sendError(error);
    } finally {
      this.#raw.off("close", clientGone);
      this.#leaveGate?.();
      this.#gateway.routing.learn(this.#record);
      this.#countForVelocityMode();
      inFlight.leave(this.#cancellation);
      this.#passage?.finish();
    }
  }

  /** Failures of the gateway and of providers count, broken streams too; refusals of a request and departures do not. */
  #countForVelocityMode(): void {
    const { outcome, probe } = this.#record;
    if (probe || outcome === undefined || outcome.clientAborted) return;
    const streamBroke = outcome.statusCode === 200 && outcome.error !== undefined;
    this.#gateway.velocity.count(outcome.statusCode >= 500 || streamBroke);
  }

  /** Everything before the first byte of the reply. */
  async #answer(route: InferenceRoute): Promise<{ conversation: Dialogue; answer: Answer | CachedAnswer }> {
    const gateway = this.#gateway;
    const record = this.#record;
    const client = record.client!;
    const parsingStart = performance.now();
    record.probe = isAdmin(client) && this.#request.headers["x-gatewayz-probe"] === "1";
    this.#passage = gateway.content.enter(record, this.#request.headers);
    const read = await (route.read ?? readJsonBody)(gateway, this.#request);
    const body = this.#passage === undefined ? read : await this.#passage.before(read);
    if (body["model"] === undefined && Array.isArray(body["models"])) body["model"] = body["models"][0];
    record.inference = route.validate(body);
    record.endUser = endUserOf(body);
    record.stages.request_parsing = performance.now() - parsingStart;
    const preparationStart = performance.now();
    const begun = route.begin(body, record);
    const conversation = this.#passage?.watch(begun) ?? begun;
    const plan = await gateway.routing.router.plan({
      model: record.inference.requestedModel,
      wishes: readWishes(body),
      client,
      probe: record.probe,
    });
    if (plan.decision !== undefined) record.routing = plan.decision;
    const address = clientAddress(this.#request.raw);
    this.#bill = await Bill.open(gateway.money.till, { record, targets: plan.targets, conversation, address });
    Object.assign(this.#headers, this.#bill.headers);
    const cached = await this.#passage?.cached(body);
    Object.assign(this.#headers, this.#passage?.replyHeaders);
    if (cached !== undefined) return { conversation, answer: cached };
    // Probes have a limit of their own in the health service, and must not take customers' places.
    if (!record.probe) this.#leaveGate = await gateway.gate.enter(this.#cancellation);
    record.stages.request_preparation = performance.now() - preparationStart;
    const fetchStart = performance.now();
    const { traceSampleRatio } = gateway.context.config.gateway;
    const input = {
      record,
      conversation,
      clientHeaders: this.#request.headers,
      sampled: isSampled(record.traceId, traceSampleRatio),
      signal: this.#cancellation,
    };
    this.#bill.begin();
    const answer = await answerFrom(gateway.routing, input, plan).finally(() => {
      record.stages.backend_fetch = performance.now() - fetchStart;
    });
    const { provider } = answer.target;
    record.simulated = provider.simulated;
    if (provider.simulated) this.#headers["x-gatewayz-simulated"] = "true";
    this.#headers["x-gatewayz-provider"] = provider.name.replaceAll(/[^\x20-\x7e]/g, "?"); // A name may be any text.
    Object.assign(this.#headers, passedHeaders(answer.headers));
    const overheadMs = nowMs() - record.startedAtMs - record.stages.backend_fetch!;
    this.#headers["x-gatewayz-overhead-ms"] = overheadMs.toFixed(2);
    if (answer.dropped.length > 0) this.#headers["x-gatewayz-dropped-params"] = answer.dropped.join(", ");
    await gateway.prices.load();
    return { conversation, answer };
  }

  async #sendJson(conversation: Dialogue, answer: Answer & { kind: "json" }): Promise<void> {
    const record = this.#record;
    this.#meter(conversation, answer, answer.meter, true);
    await this.#settle("success", answer);
    let { bytes } = answer;
    if (conversation.dialect === "openai" && conversation.metered && conversation.media?.plainText !== true)
      bytes = withGatewayUsage(bytes, answer.target.provider.name, record, nowMs());
    this.#raw.writeHead(200, {
      ...this.#headers,
      "content-type": "application/json; charset=utf-8",
      ...conversation.media?.replyHeaders(answer.headers),
      "content-length": bytes.length,
    });
    this.#end(bytes);
    record.outcome = this.#outcome(200, answer, answer.meter, { responseBodyBytes: bytes.length, chunks: 0 });
  }

  #sendCached(conversation: Dialogue, { reply }: CachedAnswer): void {
    void this.#settle("success", undefined);
    const bytes = cachedBytes(reply, conversation, this.#record);
    this.#raw.writeHead(200, { ...this.#headers, "content-type": reply.contentType, "content-length": bytes.length });
    this.#end(bytes);
    this.#record.outcome = cachedOutcome(reply, this.#record, bytes.length);
  }

  async #sendStream(conversation: Dialogue, answer: Answer & { kind: "stream" }): Promise<void> {
    const gateway = this.#gateway;
    const record = this.#record;
    const { relay, converter, target, attempt } = answer;
    const signal = this.#cancellation;
    const limits = streamLimits(gateway.context.config.gateway.timeouts, target.provider);
    this.#raw.writeHead(200, {
      ...this.#headers,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      ...conversation.media?.replyHeaders(answer.headers),
    });
    const streamStart = performance.now();
    const cancel = (): void => relay.cancel();
    signal.addEventListener("abort", cancel);
    if (signal.aborted) relay.cancel();
    relay.commit(this.#raw, limits);
    const broken = await relay.done;
    signal.removeEventListener("abort", cancel);
    record.stages.stream_processing = performance.now() - streamStart;
    const clientAborted = signal.aborted && signal.reason === CLIENT_GONE;
    const failure = broken === undefined || clientAborted ? undefined : this.#streamFailure(broken, answer);
    if (failure !== undefined && !this.#raw.destroyed) this.#raw.write(converter.fail(failure.error, record.requestId));
    this.#meter(conversation, answer, converter.meter, broken === undefined);
    await this.#settle(clientAborted ? "cancelled" : failure === undefined ? "success" : "error", answer);
    // Sound and pictures have no word for an error: only a broken connection says that they are not whole.
    const halfMedia = failure !== undefined && conversation.media?.binary === true;
    if (halfMedia || (broken?.kind === "idle" && relay.clientStalled)) this.#raw.destroy();
    else if (!clientAborted) this.#end();
    const { chunksDropped } = converter.meter;
    if (chunksDropped > 0) {
      gateway.telemetry.event("chunksDropped", {
        provider: target.provider.name,
        model: target.model,
        count: chunksDropped,
      });
    }
    settleAttempt(gateway.routing, record.probe, attempt, clientAborted ? "cancelled" : failure);
    record.outcome = this.#outcome(200, answer, converter.meter, {
      responseBodyBytes: relay.bytesWritten,
      timeToFirstChunkMs:
        relay.firstChunkAt === undefined ? undefined : unixMs(relay.firstChunkAt) - record.startedAtMs,
      chunks: converter.meter.chunks,
      clientAborted,
      error: recordedError(failure?.error, record.dialect),
    });
  }

  /** Settles what the request used, before its reply ends: from then on nothing of it is lost, whatever happens to us. */
  async #settle(result: "success" | "error" | "cancelled", answer: Answer | undefined): Promise<void> {
    const record = this.#record;
    if (this.#bill === undefined) return;
    if (record.attempts.some(({ spent }) => spent !== undefined)) await addSpent(this.#gateway, record);
    this.#bill.settle(result, answer && { provider: answer.target.provider.name, model: answer.target.model });
  }

  #streamFailure(broken: Parameters<typeof breakError>[0], answer: Answer & { kind: "stream" }): AttemptFailure {
    const { reason } = this.#cancellation;
    if (reason instanceof GatewayError) return new AttemptFailure(reason, false, false);
    const { providerError } = answer.converter;
    const { provider } = answer.target;
    if (providerError !== undefined) return failureOfStreamedError(provider, answer.target.model, providerError);
    // A client that stopped reading is not the provider's fault.
    const stalledClient = broken.kind === "idle" && answer.relay.clientStalled;
    return new AttemptFailure(breakError(broken, provider.name), false, !stalledClient);
  }

  /** Ends the reply; a client that does not read it loses its socket, which it would else keep for ever. */
  #end(bytes?: Buffer | string): void {
    const raw = this.#raw;
    raw.end(bytes);
    if (raw.writableFinished) return;
    const timer = setTimeout(() => raw.destroy(), this.#gateway.context.config.gateway.timeouts.streamIdle);
    raw.once("close", () => clearTimeout(timer));
  }

  #meter(conversation: Dialogue, answer: Answer, meter: StreamMeter, complete: boolean): void {
    if (!conversation.metered) return;
    const record = this.#record;
    const { provider, model } = answer.target;
    const { raw, source } = meteredUsage(meter, complete, () => conversation.estimateInputTokens());
    if (meter.outputChars > 0) {
      const outputTokens = estimateTokensOfChars(meter.outputChars);
      record.estimate = { ...record.estimate, method: "word_heuristic", outputTokens };
    }
    record.usage = {
      inputTokens: raw.inputTokens,
      outputTokens: raw.outputTokens,
      cachedInputTokens: raw.cacheReadTokens,
      cacheWriteInputTokens: raw.cacheWriteTokens,
      reasoningTokens: raw.reasoningTokens,
      source,
    };
    record.cost =
      conversation.media?.price?.(provider, model) ??
      this.#gateway.prices.price(provider.quirks.pricedAs ?? provider.name, model, raw);
  }

  #outcome(
    statusCode: number,
    answer: Answer,
    meter: StreamMeter,
    rest: Partial<RequestOutcome> & Pick<RequestOutcome, "responseBodyBytes" | "chunks">,
  ): RequestOutcome {
    return {
      statusCode,
      provider: answer.target.provider.name,
      model: answer.target.model,
      responseId: meter.responseId,
      ...(meter.model !== undefined && meter.model !== answer.target.model && { responseModel: meter.model }),
      finishReason: meter.finishReason,
      finishedAtMs: nowMs(),
      timeToFirstByteMs: answer.headAtMs - this.#record.startedAtMs,
      timeToFirstChunkMs: undefined,
      chunksDropped: meter.chunksDropped,
      clientAborted: false,
      error: undefined,
      ...rest,
    };
  }

  /** Nothing has been sent yet: a proper error reply, or only a record where nobody listens any more. */
  #sendError(thrown: unknown): void {
    const record = this.#record;
    if (this.#raw.headersSent) this.#raw.destroy(); // Only a fault of ours leads here; half a reply must not look whole.
    const clientAborted = thrown === CLIENT_GONE || this.#raw.destroyed;
    const error = clientAborted ? undefined : toGatewayError(thrown, this.#gateway.context.config.gateway.bodyBytesMax);
    const lastTried = record.attempts.findLast(({ result }) => result !== "skipped");
    record.simulated = this.#gateway.providers.get(lastTried?.provider ?? "")?.simulated === true;
    if (record.simulated) this.#headers["x-gatewayz-simulated"] = "true";
    let responseBodyBytes = 0;
    if (error !== undefined) {
      if (error.code === "INTERNAL_ERROR") this.#logInternal(thrown);
      const { status, headers, body } = errorReply(error, record.dialect, record.requestId);
      responseBodyBytes = Buffer.byteLength(body);
      const closing = this.#gateway.inFlight.draining ? { connection: "close" } : {};
      this.#raw.writeHead(status, { ...this.#headers, ...headers, ...closing, "content-length": responseBodyBytes });
      this.#end(body);
    }
    record.outcome = {
      statusCode: error?.status ?? CLIENT_CLOSED_REQUEST,
      provider: lastTried?.provider,
      model: lastTried?.model,
      responseId: undefined,
      finishReason: undefined,
      responseBodyBytes,
      finishedAtMs: nowMs(),
      timeToFirstByteMs: undefined,
      timeToFirstChunkMs: undefined,
      chunks: 0,
      chunksDropped: 0,
      clientAborted,
      error: recordedError(error, record.dialect),
    };
  }

  #logInternal(thrown: unknown): void {
    const { message, stack, name } = thrown instanceof Error ? thrown : new Error(String(thrown));
    this.#gateway.telemetry.event("uncaughtError", { type: name });
    this.#gateway.context.logger.error({ error: message, stack, requestId: this.#record.requestId }, "request failed");
  }
}
