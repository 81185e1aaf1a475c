import { numberAt } from "../../json.ts";
import type { Quirks } from "../quirks.ts";

/** Kimi ("Chat API"): ids without the maker's prefix, a temperature scale that ends at 1, its own reasoning wanted back. */
export const moonshot: Quirks = {
  stripPrefix: "moonshot/",
  pricedAs: "moonshotai",
  extensions: { historyReasoning: "reasoning_content" },
  adjustChat(body) {
    const temperature = numberAt(body, "temperature");
    if (temperature !== undefined && temperature > 1) body["temperature"] = 1;
    return undefined;
  },
};
