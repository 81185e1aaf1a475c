import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parseMatchers } from "../../languages/logql/parse.ts";
import type { Labels } from "../../series/labels.ts";
import type { Matcher } from "../../series/queryable.ts";
import type { ApiContext } from "./context.ts";
import { paramsOf, parseRange } from "./params.ts";

/** Label sets of one `/series` answer, at most. */
const SERIES_ANSWER_MAX = 50_000;

/** `labels`, `label/:name/values`, `series` and `detected_labels`, by GET and by form POST. */
export function addLabelRoutes(app: FastifyInstance, { store }: ApiContext): void {
  const seriesOf = (params: URLSearchParams): Labels[] => {
    const { from, to } = parseRange(params);
    return store.series(selectorsOf(params), from.ms, to.ms);
  };
  const both = (path: string, handler: (request: FastifyRequest, reply: FastifyReply) => unknown): void => {
    app.route({ method: ["GET", "POST"], url: path, handler: async (request, reply) => handler(request, reply) });
  };
  for (const path of ["/loki/api/v1/labels", "/loki/api/v1/label"]) {
    both(path, (request) => success([...namesOf(seriesOf(paramsOf(request)))].sort()));
  }
  both("/loki/api/v1/label/:name/values", (request) => {
    const { name } = request.params as { name: string };
    const values = new Set(seriesOf(paramsOf(request)).map((labels) => labels.get(name)));
    values.delete("");
    return success([...values].sort());
  });
  both("/loki/api/v1/series", (request) => {
    const sets = seriesOf(paramsOf(request)).slice(0, SERIES_ANSWER_MAX);
    return { status: "success", data: sets.map((labels) => labels.toRecord()) };
  });
  both("/loki/api/v1/detected_labels", (request) => {
    const values = new Map<string, Set<string>>();
    for (const labels of seriesOf(paramsOf(request))) {
      for (const [name, value] of labels.entries()) values.set(name, (values.get(name) ?? new Set()).add(value));
    }
    return { detectedLabels: [...values].map(([label, { size }]) => ({ label, cardinality: size })) };
  });
}

/** Loki leaves `data` out of an empty answer. */
function success(data: readonly string[]): object {
  return data.length === 0 ? { status: "success" } : { status: "success", data };
}

function namesOf(series: readonly Labels[]): Set<string> {
  const names = new Set<string>();
  for (const labels of series) for (const [name] of labels.entries()) names.add(name);
  return names;
}

/** `match[]` (repeated) or `query`; an empty one selects everything. */
function selectorsOf(params: URLSearchParams): (readonly Matcher[])[] {
  const texts = [...params.getAll("match[]"), ...params.getAll("match"), ...params.getAll("query")];
  return texts.filter((text) => text.trim() !== "" && text.trim() !== "{}").map(parseMatchers);
}
