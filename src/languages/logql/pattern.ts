/** A part of a pattern: text that must stand there, or a capture (`_` is matched but not kept). */
type Part = { readonly literal: string } | { readonly capture: string };

const CAPTURE = /<([a-zA-Z_][a-zA-Z0-9_]*)>/g;

/**
 * Parses `<ip> - <_> "<method> <path>"`.
 * @throws Error where the pattern has no capture to offer, two in a row, or one twice.
 */
export function parsePattern(pattern: string, filter = false): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of pattern.matchAll(CAPTURE)) {
    if (match.index > at) parts.push({ literal: pattern.slice(at, match.index) });
    else if (parts.length > 0) throw new Error(`found consecutive capture '${match[0]}': pattern syntax error`);
    parts.push({ capture: match[1]! });
    at = match.index + match[0].length;
  }
  if (at < pattern.length) parts.push({ literal: pattern.slice(at) });
  const names = parts.flatMap((part) => ("capture" in part && part.capture !== "_" ? [part.capture] : []));
  if (filter) {
    if (names.length > 0) throw new Error(`named captures are not allowed in pattern filters: ${names[0]}`);
    return parts;
  }
  if (names.length === 0) throw new Error("at least one capture is required");
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`duplicate capture name (${twice}) found in pattern '${pattern}'`);
  return parts;
}

/** Reports the named captures of a line, as far as the pattern follows it. */
export function matchPattern(
  line: string,
  parts: readonly Part[],
  report: (name: string, value: string) => void,
): void {
  let at = 0;
  let index = 0;
  const first = parts[0];
  if (first !== undefined && "literal" in first) {
    const start = line.indexOf(first.literal);
    if (start === -1) return;
    at = start + first.literal.length;
    index = 1;
  }
  for (; index < parts.length; index += 2) {
    const { capture } = parts[index] as { capture: string };
    const next = parts[index + 1] as { literal: string } | undefined;
    const end = next === undefined ? line.length : line.indexOf(next.literal, at);
    if (end === -1) {
      if (capture !== "_") report(capture, line.slice(at));
      return;
    }
    if (capture !== "_") report(capture, line.slice(at, end));
    at = end + (next?.literal.length ?? 0);
  }
}

/** Whether the line has the pattern's literals in order, with at least one character for every `<_>`. */
export function patternFilterMatches(line: string, parts: readonly Part[]): boolean {
  let at = 0;
  let gap = false;
  for (const [index, part] of parts.entries()) {
    if ("capture" in part) {
      gap = true;
      continue;
    }
    const found = index === 0 ? line.indexOf(part.literal) : line.indexOf(part.literal, at + (gap ? 1 : 0));
    if (found === -1) return false;
    at = found + part.literal.length;
    gap = false;
  }
  return !gap || at < line.length;
}
