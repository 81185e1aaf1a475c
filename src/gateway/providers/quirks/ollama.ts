import type { Quirks } from "../quirks.ts";

/** A local Ollama may first load the model from disk: its first byte takes as long as that does. */
export const ollama: Quirks = { basePath: "/v1", slowModels: { pattern: /./, attemptMs: 300_000 } };
