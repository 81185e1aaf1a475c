/** How a variable's values become text: `${name:format}` as Grafana documents it. */

/** Formats the chosen values; `name` is needed by formats that write a query string. */
export function formatValues(
  values: readonly string[],
  format: string,
  name: string,
  texts: readonly string[] = values,
): string {
  const [kind, argument] = splitFormat(format);
  switch (kind) {
    case "regex":
      return values.length === 1 ? escapeRegex(values[0]!) : `(${values.map(escapeRegex).join("|")})`;
    case "pipe":
      return values.join("|");
    case "csv":
    case "raw":
      return values.join(",");
    case "distributed":
      return values.map((value, index) => (index === 0 ? value : `${name}=${value}`)).join(",");
    case "singlequote":
      return values.map((value) => `'${value.replaceAll("'", "\\'")}'`).join(",");
    case "doublequote":
      return values.map((value) => `"${value.replaceAll('"', '\\"')}"`).join(",");
    case "sqlstring":
      return values.map((value) => `'${value.replaceAll("'", "''")}'`).join(",");
    case "json":
      return JSON.stringify(values.length === 1 ? values[0] : values);
    case "lucene":
      return values.length === 1
        ? escapeLucene(values[0]!)
        : `(${values.map((value) => `"${escapeLucene(value)}"`).join(" OR ")})`;
    case "percentencode":
      return encodeURIComponent(values.length === 1 ? values[0]! : `{${values.join(",")}}`);
    case "uriencode":
      return encodeURI(values.length === 1 ? values[0]! : `{${values.join(",")}}`);
    case "queryparam":
      return values.map((value) => `var-${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
    case "customqueryparam":
      return values.map((value) => `${encodeURIComponent(argument || name)}=${encodeURIComponent(value)}`).join("&");
    case "join":
      return values.join(argument === "" ? "," : argument);
    case "text":
      return texts.join(" + ");
    case "date":
      return formatDate(Number(values[0]), argument);
    case "glob":
      return values.length === 1 ? values[0]! : `{${values.join(",")}}`;
    default:
      return values.length === 1 ? values[0]! : `{${values.join(",")}}`;
  }
}

function splitFormat(format: string): [string, string] {
  const colon = format.indexOf(":");
  return colon < 0 ? [format, ""] : [format.slice(0, colon), format.slice(colon + 1)];
}

/** Escapes what means something in an RE2 pattern. */
function escapeRegex(text: string): string {
  return text.replace(/[\\^$*+?.()|[\]{}/]/g, "\\$&");
}

function escapeLucene(text: string): string {
  return text.replace(/([!*+\-=<>&|()[\]{}^~?:\\/"])/g, "\\$1");
}

function formatDate(epochMs: number, pattern: string): string {
  if (!Number.isFinite(epochMs)) return "";
  const date = new Date(epochMs);
  if (pattern === "seconds") return String(Math.floor(epochMs / 1_000));
  if (pattern === "" || pattern === "iso") return date.toISOString();
  const pad = (value: number) => String(value).padStart(2, "0");
  return pattern
    .replace("YYYY", String(date.getFullYear()))
    .replace("MM", pad(date.getMonth() + 1))
    .replace("DD", pad(date.getDate()))
    .replace("HH", pad(date.getHours()))
    .replace("mm", pad(date.getMinutes()))
    .replace("ss", pad(date.getSeconds()));
}

/**
 * The way values enter PromQL and LogQL strings when the author gave no format: one value of a single-choice variable
 * stays readable with quotes and backslashes escaped; a multi-choice one becomes a pattern for `=~`, its backslashes
 * doubled because they sit inside a string literal.
 */
export function formatForMatcher(values: readonly string[], isPattern: boolean): string {
  if (!isPattern) return (values[0] ?? "").replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  const escaped = values.map((value) =>
    value
      .replace(/\\/g, "\\\\\\\\")
      .replace(/[$^*{}[\]+?.()|]/g, "\\\\$&")
      .replaceAll('"', '\\"'),
  );
  return escaped.length === 1 ? escaped[0]! : `(${escaped.join("|")})`;
}
