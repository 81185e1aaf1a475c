import type { Unwrap } from "../../languages/logql/ast.ts";
import type { LineLabels } from "../../languages/logql/line-labels.ts";
import { parseBytes, parseDurationNs, parseFloat64 } from "../../languages/logql/units.ts";

/**
 * Reads the number that an `unwrap` names. Undefined skips the line, since it has no such label; a value that is no
 * number sets `__error__` to `SampleExtractionErr` and counts as 0 until a filter drops it.
 */
export function compileUnwrap(unwrap: Unwrap): (labels: LineLabels) => number | undefined {
  const read = reader(unwrap.conversion);
  return (labels) => {
    const text = labels.get(unwrap.name);
    if (text === "") return undefined;
    const value = read(text);
    if (value !== undefined) return value;
    labels.setError("SampleExtractionErr", `cannot convert ${JSON.stringify(text.slice(0, 200))} to a number`);
    return 0;
  };
}

function reader(conversion: Unwrap["conversion"]): (text: string) => number | undefined {
  if (conversion === undefined) return parseFloat64;
  if (conversion === "bytes") return parseBytes;
  return (text) => {
    const nanoseconds = parseDurationNs(text);
    return nanoseconds === undefined ? undefined : nanoseconds / 1e9;
  };
}
