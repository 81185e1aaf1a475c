import { objectsAt } from "../../json.ts";
import { refuse } from "../../translation/translated.ts";
import type { Quirks } from "../quirks.ts";

/**
 * Perplexity Sonar ("Chat completions"): no model list, usage in every chunk, tools silently ignored. `citations` and
 * `search_results` stand beside `choices` and pass with the reply.
 */
export const perplexity: Quirks = {
  models: ["sonar", "sonar-pro", "sonar-reasoning", "sonar-reasoning-pro", "sonar-deep-research"],
  streamUsage: "always",
  slowModels: { pattern: /deep-research/, attemptMs: 600_000 },
  adjustChat(body) {
    if (objectsAt(body, "tools").length > 0) refuse("tools", "perplexity", "its models call none.", "tools");
    const dropped = ["tools", "tool_choice", "parallel_tool_calls", "stream_options"].filter((name) => name in body);
    for (const name of dropped) delete body[name];
    return dropped.filter((name) => name !== "stream_options");
  },
};
