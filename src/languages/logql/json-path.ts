/** A key or an index into what came before it. */
export type PathStep = string | number;

const STEP = /\s*(?:\.?([A-Za-z_$][\w$-]*)|\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\[\s*(\d+)\s*\])/y;

/**
 * Parses the expression of `| json name="a.b[0][\"c d\"]"`.
 * @throws Error naming the place where the path cannot go on.
 */
export function parseJsonPath(expression: string): PathStep[] {
  const steps: PathStep[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < expression.trimEnd().length) {
    const at = STEP.lastIndex;
    const match = STEP.exec(expression);
    if (match === null) throw new Error(`cannot parse expression [${expression}]: unexpected character at ${at}`);
    if (match[1] !== undefined) steps.push(match[1]);
    else if (match[2] !== undefined) steps.push(JSON.parse(`"${match[2]}"`) as string);
    else steps.push(Number(match[3]));
  }
  if (steps.length === 0) throw new Error(`cannot parse expression [${expression}]: empty path`);
  return steps;
}

/** The text of what a path leads to: strings as they are, objects and arrays as JSON, "" where nothing is. */
export function followJsonPath(root: unknown, steps: readonly PathStep[]): string {
  let value = root;
  for (const step of steps) {
    if (typeof value !== "object" || value === null) return "";
    if (Array.isArray(value) !== (typeof step === "number") || !Object.hasOwn(value, step)) return "";
    value = (value as Record<PathStep, unknown>)[step];
  }
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
