import type { GatewayError } from "../errors.ts";
import { isObject, type JsonObject, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import { type StreamMeter, streamedError } from "../stream/converter.ts";
import { EventPassThrough } from "../stream/pass-events.ts";
import { eventData } from "../stream/sse-splitter.ts";
import { readResponseUsage } from "../usage/raw-usage.ts";
import { finishReasonOf } from "./reply.ts";
import { failureEvents, failureOf } from "./sink.ts";

/** Events that must be read; all others pass unread. Looked for near the beginning, where `event:` and `type` stand. */
const READ = /"type"\s*:\s*"(response\.(created|completed|incomplete|failed)|error)"/;
const DELTA = Buffer.from('.delta"');
/** The type stands at the beginning of an event; what follows may be a model's own words. */
const HEAD_BYTES = 160;

/**
 * A provider's own Responses stream to a Responses client: bytes pass unchanged, a scanner reads what accounting needs.
 */
export class ResponsesPassThrough extends EventPassThrough {
  readonly #finished: (response: JsonObject) => void;
  #response: JsonObject = {};
  #events = 0;

  /** @param finished Told the finished response. */
  constructor(finished: (response: JsonObject) => void) {
    super();
    this.#finished = finished;
  }

  get finished(): boolean {
    return this.terminated;
  }

  protected passes(bytes: Buffer): boolean {
    const head = bytes.subarray(0, HEAD_BYTES);
    if (head.includes(DELTA)) {
      this.#events++;
      this.meter.chunks++;
      this.meter.outputChars += deltaChars(bytes);
      this.started = true;
      return true;
    }
    if (!READ.test(head.toString("latin1"))) return this.#passesUnread(bytes);
    const data = eventData(bytes);
    const event = data === undefined ? undefined : parseObject(data);
    if (event === undefined) {
      this.meter.chunksDropped++;
      return false;
    }
    return this.#passesRead(event);
  }

  /** Items and parts begin and end; a comment or garbage before the first real event would only commit us early. */
  #passesUnread(bytes: Buffer): boolean {
    const data = eventData(bytes);
    if (data === undefined) return this.started;
    const event = parseObject(data);
    if (event === undefined) {
      this.meter.chunksDropped++;
      return false;
    }
    if (stringAt(event, "type") !== undefined) this.#events++;
    else if (isObject(event["error"])) {
      this.providerError = streamedError(event);
      return false;
    }
    this.meter.chunks++;
    return true;
  }

  #passesRead(event: JsonObject): boolean {
    const response = objectAt(event, "response");
    switch (event["type"]) {
      case "response.created":
        this.#response = response;
        this.meter.responseId = stringAt(response, "id");
        this.meter.model = stringAt(response, "model");
        break;
      case "response.failed":
        this.providerError = streamedError(response);
        return false;
      case "error":
        this.providerError = streamedError(isObject(event["error"]) ? event : { error: event });
        return false;
      default:
        meterResponse(this.meter, response);
        this.#finished(response);
        this.started = true;
        this.terminated = true;
    }
    this.#events++;
    this.meter.chunks++;
    return true;
  }

  fail(error: GatewayError, requestId: string): string {
    const response = { ...this.#response, status: "failed", error: failureOf(error) };
    return failureEvents(error, requestId, this.#events, response);
  }
}

/** Characters between the quotes of `"delta":"…"`, about. */
function deltaChars(event: Buffer): number {
  const start = event.indexOf('"delta":"');
  const end = event.indexOf('","', start + 9);
  return start < 0 ? 0 : Math.max(0, (end < 0 ? event.length - 3 : end) - start - 9);
}

/** What accounting reads of a finished response. */
export function meterResponse(meter: StreamMeter, response: JsonObject): void {
  const output = objectsAt(response, "output");
  meter.responseId = stringAt(response, "id");
  meter.model = stringAt(response, "model") ?? meter.model;
  meter.finishReason = finishReasonOf(
    response,
    output.some((item) => item["call_id"] !== undefined),
  );
  if (isObject(response["usage"])) meter.usage = readResponseUsage(response["usage"]);
}
