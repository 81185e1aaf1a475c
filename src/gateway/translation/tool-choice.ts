import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from "../json.ts";

/** A chat client's `tool_choice`, in one form for all that it may look like. */
export interface ToolChoice {
  readonly mode: "auto" | "none" | "required";
  /** The one tool that must be called; `mode` is then `required`. */
  readonly name?: string;
  /** The only tools that may be called (`allowed_tools`); the others need not be shown to the model. */
  readonly allowed?: ReadonlySet<string>;
}

/** Reads `tool_choice` of chat completions. `unknown` for a form that has no meaning here. */
export function readToolChoice(choice: unknown): ToolChoice | "unknown" | undefined {
  if (choice === undefined || choice === null) return undefined;
  if (choice === "auto" || choice === "none" || choice === "required") return { mode: choice };
  if (!isObject(choice)) return "unknown";
  switch (choice["type"]) {
    case "function":
    case "custom": {
      const name = stringAt(objectAt(choice, choice["type"]), "name");
      return name === undefined ? "unknown" : { mode: "required", name };
    }
    case "allowed_tools": {
      const allowed = objectAt(choice, "allowed_tools");
      const names = objectsAt(allowed, "tools").flatMap((tool) => nameOfTool(tool) ?? []);
      return { mode: allowed["mode"] === "required" ? "required" : "auto", allowed: new Set(names) };
    }
    default:
      return "unknown";
  }
}

/** The name in a tool of chat completions, function or freeform. */
export function nameOfTool(tool: JsonObject): string | undefined {
  return stringAt(objectAt(tool, "function"), "name") ?? stringAt(objectAt(tool, "custom"), "name");
}
