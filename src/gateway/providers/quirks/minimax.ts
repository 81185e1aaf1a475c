import { numberAt, objectAt, stringAt } from "../../json.ts";
import type { Quirks } from "../quirks.ts";

/** `base_resp.status_code` → what the HTTP status should have said (MiniMax, "Error codes"). */
const STATUS_OF: Readonly<Record<number, number>> = {
  1000: 502,
  1001: 504,
  1002: 429,
  1004: 401,
  1008: 402,
  1013: 502,
  1024: 502,
  1026: 400,
  1027: 400,
  1033: 502,
  1039: 429,
  2013: 400,
  2049: 401,
};

/** MiniMax answers 200 with the failure inside `base_resp`. */
export const minimax: Quirks = {
  adjustReply(reply) {
    const response = objectAt(reply, "base_resp");
    const code = numberAt(response, "status_code") ?? 0;
    if (code === 0) return false;
    const message = stringAt(response, "status_msg") ?? `status ${code}`;
    reply["error"] = { message, code: STATUS_OF[code] ?? 502 };
    return true;
  },
  adjustChunk: {
    mark: '"base_resp"',
    adjust: (chunk) => minimax.adjustReply!(chunk),
  },
};
