import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parseLogSelector } from "../../languages/logql/parse.ts";
import { formatFloat } from "../../series/format-value.ts";
import { Labels } from "../../series/labels.ts";
import type { Matcher } from "../../series/queryable.ts";
import { QueryError } from "../query/query-error.ts";
import type { Block } from "../store/block.ts";
import type { ApiContext } from "./context.ts";
import { paramsOf, parseQueryText, parseRange, parseStepMs } from "./params.ts";

/** Entries of one volume answer: Loki's `volume_max_series`, and its default `limit`. */
const VOLUMES_MAX = 1_000;
const VOLUMES_DEFAULT = 100;

/** `index/stats`, `index/volume` and `index/volume_range`: answered from what is known of blocks, no line is read. */
export function addIndexRoutes(app: FastifyInstance, { store }: ApiContext): void {
  const both = (path: string, handler: (request: FastifyRequest, reply: FastifyReply) => unknown): void => {
    app.route({ method: ["GET", "POST"], url: path, handler: async (request, reply) => handler(request, reply) });
  };
  both("/loki/api/v1/index/stats", (request) => {
    const params = paramsOf(request);
    const { from, to } = parseRange(params);
    const blocks = store.select(matchersOf(params), from.ms, to.ms);
    const streams = new Set(blocks.map(({ labels }) => labels)).size;
    const sum = (of: (block: Block) => number): number =>
      Math.round(blocks.reduce((total, block) => total + of(block) * overlap(block, from.ms, to.ms), 0));
    return {
      streams,
      chunks: blocks.length,
      entries: sum(({ rows }) => rows),
      bytes: sum(({ lineBytes }) => lineBytes),
    };
  });
  both("/loki/api/v1/index/volume", (request) => {
    const params = paramsOf(request);
    const { from, to } = parseRange(params);
    const volumes = volumesOf(store.select(matchersOf(params), from.ms, to.ms), params, from.ms, to.ms);
    const result = volumes.map(([labels, bytes]) => ({
      metric: labels.toRecord(),
      value: [to.ms / 1_000, formatFloat(Math.round(bytes))],
    }));
    return { status: "success", data: { resultType: "vector", result, stats: {} } };
  });
  both("/loki/api/v1/index/volume_range", (request) => {
    const params = paramsOf(request);
    const { from, to } = parseRange(params);
    const stepMs = parseStepMs(params, from.ms, to.ms);
    const blocks = store.select(matchersOf(params), from.ms, to.ms);
    const points = new Map<string, { labels: Labels; values: [number, string][] }>();
    for (let startMs = from.ms; startMs < to.ms; startMs += stepMs) {
      const inStep = blocks.filter(({ minMs, maxMs }) => maxMs >= startMs && minMs < startMs + stepMs);
      for (const [labels, bytes] of volumesOf(inStep, params, startMs, startMs + stepMs)) {
        const series = points.get(labels.key) ?? { labels, values: [] };
        points.set(labels.key, series);
        series.values.push([startMs / 1_000, formatFloat(Math.round(bytes))]);
      }
    }
    const result = [...points.values()].map(({ labels, values }) => ({ metric: labels.toRecord(), values }));
    return { status: "success", data: { resultType: "matrix", result, stats: {} } };
  });
}

/** The selector of `query`; `{}` selects everything here, as nothing but an index is read. */
function matchersOf(params: URLSearchParams): readonly Matcher[] {
  const query = parseQueryText(params);
  return /^\s*\{\s*\}\s*$/.test(query) ? [] : parseLogSelector(query).matchers;
}

/** The part of a block that lies in a range, its rows taken as evenly spread. */
function overlap(block: Block, fromMs: number, toMs: number): number {
  const spanMs = block.maxMs - block.minMs;
  if (spanMs === 0) return 1;
  return Math.max(0, Math.min(block.maxMs, toMs) - Math.max(block.minMs, fromMs)) / spanMs;
}

/** Bytes per stream, or per value of `targetLabels`, or per label name; largest first. */
function volumesOf(
  blocks: readonly Block[],
  params: URLSearchParams,
  fromMs: number,
  toMs: number,
): [Labels, number][] {
  const limit = Number(params.get("limit") ?? VOLUMES_DEFAULT);
  if (!Number.isInteger(limit) || limit <= 0 || limit > VOLUMES_MAX) {
    throw new QueryError(400, `limit must be between 1 and ${VOLUMES_MAX}`);
  }
  const byNames = params.get("aggregateBy") === "labels";
  const targets = (params.get("targetLabels") ?? "").split(",").filter((name) => name !== "");
  const selected = matchersOf(params).map(({ name }) => name);
  const sums = new Map<string, [Labels, number]>();
  for (const block of blocks) {
    const bytes = block.lineBytes * overlap(block, fromMs, toMs);
    const names = targets.length > 0 ? targets : selected;
    const keys = byNames
      ? [...block.labels.entries()].map(([name]) => Labels.fromEntries([[name, name]]))
      : [block.labels.keep(new Set(names))];
    for (const labels of keys) {
      const sum = sums.get(labels.key);
      if (sum === undefined) sums.set(labels.key, [labels, bytes]);
      else sum[1] += bytes;
    }
  }
  return [...sums.values()].sort((left, right) => right[1] - left[1]).slice(0, limit);
}
