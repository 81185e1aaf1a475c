import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  completeFromList,
} from "@codemirror/autocomplete";
import { LanguageSupport, LRLanguage } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { parser as logqlParser } from "@grafana/lezer-logql";
import { parser as traceqlParser } from "@grafana/lezer-traceql";
import { styleTags, tags } from "@lezer/highlight";
import { PromQLExtension } from "@prometheus-io/codemirror-promql";
import { getJson } from "../api/client.ts";
import { proxyUrl } from "../api/data-sources.ts";
import type { DataSource } from "../api/types.ts";

/** The editor's language for a data source, with completions from its own names. */
export function queryLanguage(source: DataSource): Extension {
  if (source.type === "loki") return logql(source);
  if (source.type === "tempo") return traceql(source);
  return new PromQLExtension()
    .setComplete({
      remote: {
        url: proxyUrl(source, ""),
        httpMethod: "GET",
        httpErrorHandler: () => undefined,
        cache: { maxAge: 60_000 },
      },
    })
    .asExtension();
}

/** The official grammar ships without colours; these say what is what. */
const logqlLanguage = LRLanguage.define({
  name: "logql",
  parser: logqlParser.configure({
    props: [
      styleTags({
        LineComment: tags.comment,
        String: tags.string,
        "Number Bytes Duration": tags.number,
        Identifier: tags.labelName,
        LabelName: tags.labelName,
        "Eq Neq Re Nre Gtr Gte Lss Lte Eql Add Sub Mul Div Mod Pow Pipe PipeExact PipeMatch PipePattern Npa":
          tags.operator,
        "And Or Unless Bool On Ignoring GroupLeft GroupRight By Without Offset": tags.keyword,
        "Json Logfmt Unpack Pattern Regexp Unwrap LabelFormat LineFormat Decolorize Drop Keep Ip": tags.function(
          tags.variableName,
        ),
        "Sum Avg Count Max Min Stddev Stdvar Bottomk Topk Sort Sort_Desc LabelReplace Vector": tags.function(
          tags.variableName,
        ),
        "CountOverTime Rate RateCounter BytesOverTime BytesRate AvgOverTime SumOverTime MinOverTime MaxOverTime":
          tags.function(tags.variableName),
        "StddevOverTime StdvarOverTime QuantileOverTime FirstOverTime LastOverTime AbsentOverTime": tags.function(
          tags.variableName,
        ),
        "BytesConv DurationConv DurationSecondsConv": tags.function(tags.variableName),
      }),
    ],
  }),
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", "{", '"', "`"] } },
});

const traceqlLanguage = LRLanguage.define({
  name: "traceql",
  parser: traceqlParser.configure({
    props: [
      styleTags({
        "LineComment BlockComment": tags.comment,
        String: tags.string,
        "Integer Float Duration": tags.number,
        Identifier: tags.labelName,
        IntrinsicField: tags.variableName,
        "Span Resource Event Instrumentation Link Parent": tags.namespace,
        "FieldOp ComparisonOp ScalarOp And Or Gt Lt Desc Anc Pipe ExperimentalOp UnionStructuralOp": tags.operator,
        "With GroupOperation/By": tags.keyword,
        "Aggregate SelectOperation CoalesceOperation MetricsOperationBasicType MetricsOverTimeType": tags.function(
          tags.variableName,
        ),
        "MetricsOperationHistogram MetricsOperationQuantile MetricsOperationCompare MetricsAggregatorFunctionType":
          tags.function(tags.variableName),
        Static: tags.atom,
      }),
    ],
  }),
  languageData: { commentTokens: { line: "//" }, closeBrackets: { brackets: ["(", "[", "{", '"', "`"] } },
});

const LOGQL_WORDS = words(
  "function",
  "rate count_over_time bytes_rate bytes_over_time sum_over_time avg_over_time min_over_time max_over_time quantile_over_time first_over_time last_over_time absent_over_time sum avg min max count stddev topk bottomk sort sort_desc json logfmt unpack pattern regexp line_format label_format decolorize drop keep unwrap",
).concat(words("keyword", "by without on ignoring group_left group_right and or unless offset bool"));

const TRACEQL_WORDS = words(
  "variable",
  "duration traceDuration name kind status statusMessage rootName rootServiceName trace:id trace:duration trace:rootName trace:rootService span:id span:name span:duration span:status span:kind nestedSetParent",
).concat(
  words(
    "function",
    "rate count_over_time quantile_over_time histogram_over_time avg_over_time min_over_time max_over_time sum_over_time compare select count avg min max sum coalesce",
  ),
  words("keyword", "by with"),
  words("constant", "ok error unset server client producer consumer internal unspecified true false nil"),
);

function words(type: string, list: string): Completion[] {
  return list.split(" ").map((label) => ({ label, type }));
}

function logql(source: DataSource): Extension {
  const names = remember(
    async () => (await getJson<{ data?: string[] }>(proxyUrl(source, "/loki/api/v1/labels"))).data ?? [],
  );
  const values = rememberBy(
    async (label: string) =>
      (await getJson<{ data?: string[] }>(proxyUrl(source, `/loki/api/v1/label/${encodeURIComponent(label)}/values`)))
        .data ?? [],
  );
  const complete = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const value = context.matchBefore(/(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*/);
    if (value !== null) {
      const label = /^\w+/.exec(value.text)![0];
      return { from: value.from + value.text.indexOf('"') + 1, options: toCompletions(await values(label), "text") };
    }
    const label = context.matchBefore(/[{,]\s*\w*/);
    if (label !== null)
      return { from: label.from + label.text.search(/\w*$/), options: toCompletions(await names(), "property") };
    return completeFromList(LOGQL_WORDS)(context) as CompletionResult | null;
  };
  return new LanguageSupport(logqlLanguage, logqlLanguage.data.of({ autocomplete: complete }));
}

function traceql(source: DataSource): Extension {
  const tagsOf = remember(async () => {
    const { scopes = [] } = await getJson<{ scopes?: { name: string; tags: string[] }[] }>(
      proxyUrl(source, "/api/v2/search/tags"),
    );
    return scopes.flatMap(({ name, tags: list }) => list.map((tag) => (name === "intrinsic" ? tag : `${name}.${tag}`)));
  });
  const values = rememberBy(async (tag: string) => {
    const { tagValues = [] } = await getJson<{ tagValues?: { value: string }[] }>(
      proxyUrl(source, `/api/v2/search/tag/${encodeURIComponent(tag)}/values`),
    );
    return tagValues.map((entry) => entry.value);
  });
  const complete = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const value = context.matchBefore(/([\w.:]+)\s*(?:=~|!~|!=|=)\s*"[^"]*/);
    if (value !== null) {
      const tag = /^[\w.:]+/.exec(value.text)![0];
      return { from: value.from + value.text.indexOf('"') + 1, options: toCompletions(await values(tag), "text") };
    }
    const word = context.matchBefore(/[\w.:]+/);
    if (word === null && !context.explicit) return null;
    return {
      from: word?.from ?? context.pos,
      options: [...TRACEQL_WORDS, ...toCompletions(await tagsOf(), "property")],
      validFor: /^[\w.:-]*$/,
    };
  };
  return new LanguageSupport(traceqlLanguage, traceqlLanguage.data.of({ autocomplete: complete }));
}

function toCompletions(labels: readonly string[], type: string): Completion[] {
  return labels.map((label) => ({ label, type }));
}

/** Asks once; an editor without names is better than one that reports errors while somebody types. */
function remember(load: () => Promise<string[]>): () => Promise<string[]> {
  let known: Promise<string[]> | undefined;
  return () => (known ??= load().catch(() => []));
}

function rememberBy(load: (key: string) => Promise<string[]>): (key: string) => Promise<string[]> {
  const known = new Map<string, Promise<string[]>>();
  return (key) => {
    let answer = known.get(key);
    if (answer === undefined) {
      answer = load(key).catch(() => []);
      known.set(key, answer);
    }
    return answer;
  };
}
