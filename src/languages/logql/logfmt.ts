/** A pair found in a logfmt line; `value` is undefined for a bare key. */
type Report = (key: string, value: string | undefined) => void;

/**
 * Reads `key=value key="quoted value" bare` from a line. What is no pair is skipped, as Loki does without `--strict`.
 * @returns The first syntax error's message, undefined for a clean line.
 */
export function readLogfmt(line: string, report: Report): string | undefined {
  let at = 0;
  let error: string | undefined;
  const length = line.length;
  while (at < length) {
    while (at < length && line.charCodeAt(at) <= 0x20) at++;
    const keyStart = at;
    while (at < length && isKeyChar(line.charCodeAt(at))) at++;
    const key = line.slice(keyStart, at);
    if (key === "" || (at < length && line[at] !== "=" && line.charCodeAt(at) > 0x20)) {
      if (at >= length) break;
      error ??= `logfmt syntax error at pos ${at + 1} : unexpected '${line[at]}'`;
      while (at < length && line.charCodeAt(at) > 0x20) at++;
      continue;
    }
    if (line[at] !== "=") {
      report(key, undefined);
      continue;
    }
    at++;
    if (line[at] === '"') {
      const end = closingQuote(line, at);
      if (end === -1) {
        error ??= `logfmt syntax error at pos ${length + 1} : unterminated quoted value`;
        break;
      }
      report(key, quotedValue(line.slice(at, end + 1)));
      at = end + 1;
      continue;
    }
    const start = at;
    while (at < length && line.charCodeAt(at) > 0x20 && line[at] !== '"' && line[at] !== "=") at++;
    if (at < length && line.charCodeAt(at) > 0x20) {
      error ??= `logfmt syntax error at pos ${at + 1} : unexpected '${line[at]}'`;
      while (at < length && line.charCodeAt(at) > 0x20) at++;
      continue;
    }
    report(key, line.slice(start, at));
  }
  return error;
}

function isKeyChar(code: number): boolean {
  return code > 0x20 && code !== 0x3d && code !== 0x22;
}

function closingQuote(line: string, open: number): number {
  for (let at = open + 1; at < line.length; at++) {
    if (line[at] === "\\") at++;
    else if (line[at] === '"') return at;
  }
  return -1;
}

function quotedValue(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted.slice(1, -1); // an escape JSON does not know: keep the text as it stands
  }
}
