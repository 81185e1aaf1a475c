import { isObject, type JsonObject } from "../json.ts";

/** Members of a request, of either format, that hold what a person or a tool says to a model. */
const TEXT_MEMBERS = ["system", "messages", "prompt", "input", "instructions", "query", "documents"] as const;
/** Inside content parts and items: what is text, and where more parts are. */
const PART_MEMBERS = ["text", "content", "output", "arguments", "input", "thinking", "name"] as const;

/** Called for each text; what it returns takes the text's place. */
export type VisitText = (text: string) => string;

/**
 * Visits every text that a request puts before a model, in place: system and user words, tool results, arguments of calls.
 * Not ids, data URLs of pictures, or the definitions of tools.
 */
export function visitTexts(body: JsonObject, visit: VisitText): void {
  for (const name of TEXT_MEMBERS) visitMember(body, name, visit);
}

function visitMember(holder: JsonObject, name: string, visit: VisitText): void {
  const value = holder[name];
  if (typeof value === "string") {
    const changed = visit(value);
    if (changed !== value) holder[name] = changed;
  } else if (Array.isArray(value)) visitArray(value, visit);
  else if (isObject(value)) visitObject(value, visit);
}

function visitArray(values: unknown[], visit: VisitText): void {
  for (const [index, value] of values.entries()) {
    if (typeof value === "string") {
      const changed = visit(value);
      if (changed !== value) values[index] = changed;
    } else if (Array.isArray(value)) visitArray(value, visit);
    else if (isObject(value)) visitObject(value, visit);
  }
}

function visitObject(value: JsonObject, visit: VisitText): void {
  for (const name of PART_MEMBERS) visitMember(value, name, visit);
  if (Array.isArray(value["tool_calls"])) {
    for (const call of value["tool_calls"]) if (isObject(call)) visitMember(call, "function", visit);
  }
}
