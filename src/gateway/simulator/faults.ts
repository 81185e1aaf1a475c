import type { ServerResponse } from "node:http";
import type { Random } from "./random.ts";

/** The ways in which `sim-flaky` fails; a `drop` happens after some of the answer has been sent. */
export type Fault = "error_500" | "unavailable_503" | "rate_limit_429" | "garbage" | "hang_up" | "drop";

const FAULTS: readonly Fault[] = ["error_500", "unavailable_503", "rate_limit_429", "garbage", "hang_up", "drop"];
/** What a whole outage looks like: nothing but failures that a circuit breaker counts. */
const OUTAGE_FAULTS: readonly Fault[] = ["error_500", "unavailable_503", "hang_up"];
const FAULT_SHARE = 0.3;
const OUTAGE_EVERY_MS = 300_000;
const OUTAGE_FROM_MS = 20_000;
const OUTAGE_UNTIL_MS = 110_000;

/**
 * The fault of the next request to a faulty provider, mostly none: now and then one by itself, and every five minutes an
 * outage, long enough at the demo's rate to open the breaker.
 * @param uptimeMs Since the simulator's start.
 */
export function chooseFault(uptimeMs: number, random: Random): Fault | undefined {
  const phaseMs = uptimeMs % OUTAGE_EVERY_MS;
  if (phaseMs >= OUTAGE_FROM_MS && phaseMs < OUTAGE_UNTIL_MS) return random.pick(OUTAGE_FAULTS);
  return random.next() < FAULT_SHARE ? random.pick(FAULTS) : undefined;
}

/** Answers with the fault, if it is one that happens instead of an answer. @returns whether it did. */
export function failWith(fault: Fault | undefined, reply: ServerResponse): boolean {
  switch (fault) {
    case "error_500":
      sendError(reply, 500, "server_error", "The simulated model crashed.");
      return true;
    case "unavailable_503":
      sendError(reply, 503, "overloaded_error", "The simulated model is overloaded.");
      return true;
    case "rate_limit_429":
      reply.setHeader("retry-after", "2");
      sendError(reply, 429, "rate_limit_error", "The simulated rate limit was reached.");
      return true;
    case "garbage":
      reply.writeHead(200, { "content-type": "application/json" }).end('{"choices": [{"mess');
      return true;
    case "hang_up":
      reply.destroy();
      return true;
    default:
      return false;
  }
}

/** An error body that both formats' readers understand. */
export function sendError(reply: ServerResponse, status: number, type: string, message: string): void {
  const body = JSON.stringify({ type: "error", error: { type, message, code: null, param: null } });
  reply.writeHead(status, { "content-type": "application/json" }).end(body);
}
