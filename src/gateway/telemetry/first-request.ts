import type { Logger } from "../../runtime/logger.ts";
import type { RequestRecord } from "../request-record.ts";

/** Name by which the supervisor recognises the line and shows it to the person at the terminal. */
const EVENT = "first_own_request";

/** A function that logs one line, once: for the first answered inference that is neither demo traffic nor a probe. */
export function announceFirstRequest(logger: Logger): (record: RequestRecord) => void {
  let announced = false;
  return (record) => {
    if (announced || record.probe || record.client === undefined || record.client.keyName === "demo") return;
    const { inference, outcome, usage, cost } = record;
    if (inference === undefined || outcome === undefined) return;
    announced = true;
    const fields = {
      event: EVENT,
      statusCode: outcome.statusCode,
      durationMs: Math.round(outcome.finishedAtMs - record.startedAtMs),
      tokens: usage === undefined ? 0 : usage.inputTokens + usage.outputTokens,
      costUsd: cost?.totalUsd,
      traceId: record.traceId,
    };
    logger.info(fields, "first own request");
  };
}
