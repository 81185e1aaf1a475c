import type { Quirks } from "../quirks.ts";

/** DeepInfra's full list is outside its OpenAI-compatible paths and is a bare array with `model_name`. */
export const deepinfra: Quirks = { modelsPath: "origin:/models/list" };
