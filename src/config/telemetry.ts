import * as z from "zod";
import { duration } from "./duration.ts";

/** What the gateway tells about itself, beyond what is always there. */
export const telemetry = z.strictObject({
  /**
   * Generations of OpenTelemetry's GenAI conventions, beside the names that are always there: `latest` is
   * `gen_ai.client.inference.*` with `gen_ai.provider.name`; `v1.41` is `gen_ai.client.operation.*` and
   * `gen_ai.client.token.usage`; `v1.36` has the same metrics, and `gen_ai.system` on the spans.
   */
  genAi: z.array(z.enum(["latest", "v1.41", "v1.36"])).default(["latest"]),
  /** Decides at a request's end whether its trace is kept; `traceSampleRatio` has decided at its start before. */
  tailSampling: z
    .strictObject({
      enabled: z.boolean().default(false),
      /** Share of ordinary requests that is kept, 0 to 1; errors, slow ones and fallbacks are always kept. */
      ratio: z.number().min(0).max(1).default(0.1),
      /** From here on a request counts as slow. */
      slow: duration.prefault("5s"),
    })
    .prefault({}),
  /** Traces of scanners, and of refused requests without a key, are not exported. */
  dropBotTraces: z.boolean().default(true),
});
