import * as z from "zod";
import { moment } from "../../openapi/fields.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";

interface Sample {
  readonly labels: Record<string, string>;
  readonly value: number;
}

interface ParsedFamily {
  type: string;
  help: string;
  readonly samples: Record<string, Sample[]>;
}

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/;

/** Prometheus' text format as JSON: family → type, help, and samples by series name. Values that JSON lacks are left out. */
export function parseExposition(text: string): Record<string, ParsedFamily> {
  const families: Record<string, ParsedFamily> = {};
  let current: ParsedFamily | undefined;
  let currentName = "";
  const family = (name: string): ParsedFamily => (families[name] ??= { type: "untyped", help: "", samples: {} });
  for (const line of text.split("\n")) {
    const comment = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment;
      current = family(name!);
      currentName = name!;
      if (kind === "HELP") current.help = rest!;
      else current.type = rest!;
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (sample === null) continue;
    const [, name, labelText = "", valueText] = sample;
    const value = Number(valueText);
    if (!Number.isFinite(value)) continue; // NaN and infinities have no JSON.
    const labels = Object.fromEntries(
      [...labelText.matchAll(LABEL)].map(([, label, escaped]) => [label!, unescaped(escaped!)]),
    );
    const owner = current !== undefined && name!.startsWith(currentName) ? current : family(name!);
    (owner.samples[name!] ??= []).push({ labels, value });
  }
  return families;
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}

/** `GET /api/metrics/parsed` (contract 6c): every metric as JSON, for readers without a Prometheus parser. */
export const parsedMetricsRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/metrics/parsed",
    auth: "admin",
    tag: "Monitoring",
    summary: "Every metric as JSON",
    schemas: () => ({
      reply: z.object({
        timestamp: moment(),
        metrics: z.record(
          z.string(),
          z.object({
            type: z.string(),
            help: z.string(),
            samples: z
              .record(z.string(), z.array(z.object({ labels: z.record(z.string(), z.string()), value: z.number() })))
              .describe("By series name: histograms have `_bucket`, `_sum` and `_count`"),
          }),
        ),
      }),
    }),
  }).handle(async ({ gateway }) => {
    const { body } = await gateway.telemetry.metrics("text/plain");
    return { timestamp: new Date().toISOString(), metrics: parseExposition(body) };
  }),
];
