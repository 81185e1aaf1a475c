import type { Quirks } from "../quirks.ts";

/** Open Qwen3 models think by default, which DashScope allows in streams only (its 400 says so). */
const THINKS_BY_DEFAULT = /^qwen3-(?!max|.*instruct|.*coder)/;

/** DashScope in compatible mode ("Deep thinking"). */
export const alibaba: Quirks = {
  adjustChat(body, model) {
    if (body["stream"] !== true && THINKS_BY_DEFAULT.test(model)) body["enable_thinking"] ??= false;
    return undefined;
  },
};
