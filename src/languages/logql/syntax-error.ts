/** Token shapes in the order in which they are tried, with the names that Loki's parser prints for them. */
const TOKENS: readonly (readonly [RegExp, string | undefined])[] = [
  [/^\[[^\]]*\]/, "RANGE"],
  [/^"(?:[^"\\\n]|\\.)*"|^`[^`]*`/, "STRING"],
  [/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|[smhdwy]))+(?![a-zA-Z])/, "DURATION"],
  [/^\d+(?:\.\d+)?[kKmMgGtTpPeE]?i?[bB](?![a-zA-Z])/, "BYTES"],
  [/^(?:0x[0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)/, "NUMBER"],
  [/^(?:\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|--\w[\w-]*|[{}()[\],|=<>+\-*/%^])/, undefined],
];

/** Words with a meaning of their own: named as they are written, where any other word is an IDENTIFIER. */
const KEYWORDS = new Set(
  (
    "by without bool on ignoring group_left group_right and or unless offset unwrap json logfmt regexp unpack pattern " +
    "line_format label_format label_replace decolorize drop keep vector ip sum avg count max min stddev stdvar topk " +
    "bottomk sort sort_desc rate rate_counter bytes_rate count_over_time bytes_over_time avg_over_time sum_over_time " +
    "min_over_time max_over_time stddev_over_time stdvar_over_time quantile_over_time first_over_time " +
    "last_over_time absent_over_time duration duration_seconds bytes"
  ).split(" "),
);

/** Position and wording of the syntax error at or after `from`, where the grammar first gave up. */
export function syntaxErrorDetail(query: string, from: number): [number, string] {
  const at = from + /^(?:\s+|#[^\n]*)*/.exec(query.slice(from))![0].length;
  const rest = query.slice(at);
  if (rest === "") return [query.length, `syntax error: unexpected $end${expecting(query.trimEnd())}`];
  if (rest[0] === '"' || rest[0] === "`") {
    if (!TOKENS[1]![0].test(rest)) return [at, "literal not terminated"];
  }
  return [at, `syntax error: unexpected ${tokenName(rest)}`];
}

function tokenName(rest: string): string {
  for (const [pattern, name] of TOKENS) {
    const match = pattern.exec(rest);
    if (match !== null) return name ?? match[0];
  }
  const word = /^[a-zA-Z_:][\w:.]*/.exec(rest)?.[0];
  if (word === undefined) return JSON.stringify(String.fromCodePoint(rest.codePointAt(0)!)).slice(1, -1);
  return KEYWORDS.has(word) ? word : "IDENTIFIER";
}

/** What would have gone on, in the two places where people most often stop too early. */
function expecting(query: string): string {
  if (/(\|=|!=|\|~|!~|\|>|!>)$/.test(query)) return ", expecting STRING or ip";
  const open = query.lastIndexOf("{");
  return open > query.lastIndexOf("}") && /["`]$/.test(query) ? ", expecting } or ," : "";
}
