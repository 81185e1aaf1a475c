import { numberAt } from "../../json.ts";
import type { Quirks } from "../quirks.ts";

/** Kimi ("Chat API"): ids without the maker's prefix, and a temperature scale that ends at 1. */
export const moonshot: Quirks = {
  stripPrefix: "moonshot/",
  pricedAs: "moonshotai",
  adjustChat(body) {
    const temperature = numberAt(body, "temperature");
    if (temperature !== undefined && temperature > 1) body["temperature"] = 1;
    return undefined;
  },
};
