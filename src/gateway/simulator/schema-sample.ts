import { isObject, type JsonObject, numberAt, objectAt, stringAt } from "../json.ts";
import type { Random } from "./random.ts";

const DEPTH_MAX = 12;
const WORDS = ["alpha", "harbor", "meadow", "signal", "lantern", "copper", "orchard", "summit"];
const CITIES = ["Lisbon", "Osaka", "Nairobi", "Montreal", "Oslo"];

/**
 * A value that fits a JSON schema: types, enum, const, required and optional members, bounds, formats, combinators and
 * local `$ref`s. Patterns are not solved.
 * @param hints Words of the prompt, for members such as `city` or `query`.
 */
export function sampleOf(schema: unknown, random: Random, hints: readonly string[]): unknown {
  return sample(schema, { root: isObject(schema) ? schema : {}, random, hints }, "", 0);
}

interface Context {
  readonly root: JsonObject;
  readonly random: Random;
  readonly hints: readonly string[];
}

function sample(schema: unknown, context: Context, name: string, depth: number): unknown {
  if (!isObject(schema) || depth > DEPTH_MAX) return null;
  if ("const" in schema) return schema["const"];
  if (Array.isArray(schema["enum"]) && schema["enum"].length > 0) return context.random.pick(schema["enum"]);
  const reference = stringAt(schema, "$ref");
  if (reference !== undefined) return sample(resolve(context.root, reference), context, name, depth + 1);
  for (const key of ["anyOf", "oneOf"]) {
    const options = schema[key];
    if (Array.isArray(options) && options.length > 0) return sample(options[0], context, name, depth + 1);
  }
  if (Array.isArray(schema["allOf"])) return sample(merged(schema["allOf"]), context, name, depth + 1);
  switch (typeOf(schema)) {
    case "object":
      return sampleObject(schema, context, depth);
    case "array":
      return sampleArray(schema, context, name, depth);
    case "integer":
      return Math.round(sampleNumber(schema, context.random, 1));
    case "number":
      return sampleNumber(schema, context.random, 0.5);
    case "boolean":
      return context.random.next() < 0.5;
    case "null":
      return null;
    default:
      return sampleString(schema, context, name);
  }
}

function typeOf(schema: JsonObject): string | undefined {
  const type = schema["type"];
  if (typeof type === "string") return type;
  if (Array.isArray(type))
    return type.find((candidate): candidate is string => typeof candidate === "string" && candidate !== "null");
  if (isObject(schema["properties"])) return "object";
  return schema["items"] === undefined ? undefined : "array";
}

function sampleObject(schema: JsonObject, context: Context, depth: number): JsonObject {
  const properties = objectAt(schema, "properties");
  const value: JsonObject = {};
  for (const [name, member] of Object.entries(properties)) {
    if (name === "__proto__") continue;
    value[name] = sample(member, context, name, depth + 1);
  }
  return value;
}

function sampleArray(schema: JsonObject, context: Context, name: string, depth: number): unknown[] {
  const min = numberAt(schema, "minItems") ?? 1;
  const count = Math.min(numberAt(schema, "maxItems") ?? Math.max(min, 2), Math.max(min, 1), 16);
  return Array.from({ length: count }, () => sample(schema["items"] ?? { type: "string" }, context, name, depth + 1));
}

function sampleNumber(schema: JsonObject, random: Random, step: number): number {
  const exclusiveMin = numberAt(schema, "exclusiveMinimum");
  const exclusiveMax = numberAt(schema, "exclusiveMaximum");
  const multiple = numberAt(schema, "multipleOf") ?? step;
  const min = numberAt(schema, "minimum") ?? (exclusiveMin === undefined ? undefined : exclusiveMin + multiple);
  const max = numberAt(schema, "maximum") ?? (exclusiveMax === undefined ? undefined : exclusiveMax - multiple);
  const low = min ?? Math.min(1, max ?? 1);
  const high = max ?? Math.max(low + 20 * multiple, 10);
  const first = Math.ceil(low / multiple);
  const last = Math.max(first, Math.floor(high / multiple));
  return random.integer(first, Math.min(last, first + 1_000)) * multiple;
}

function sampleString(schema: JsonObject, { random, hints }: Context, name: string): string {
  const day = String(random.integer(1, 28)).padStart(2, "0");
  switch (stringAt(schema, "format")) {
    case "date":
      return `2026-03-${day}`;
    case "date-time":
      return `2026-03-${day}T09:30:00Z`;
    case "time":
      return "09:30:00Z";
    case "email":
      return "ada@example.com";
    case "uri":
    case "url":
      return "https://example.com/";
    case "uuid":
      return "3f2b8c64-1d0e-4a5b-9c7d-2e6f8a9b0c1d";
  }
  let text = wordFor(name, random, hints);
  const min = numberAt(schema, "minLength") ?? 0;
  while (text.length < Math.min(min, 1_000)) text += ` ${random.pick(WORDS)}`;
  return text.slice(0, numberAt(schema, "maxLength") ?? undefined);
}

/** A word from the prompt where the member's name asks for one. */
function wordFor(name: string, random: Random, hints: readonly string[]): string {
  const names = hints.filter((word) => /^\p{Lu}\p{Ll}+/u.test(word));
  if (/city|location|place|country|destination/i.test(name))
    return names.length > 0 ? random.pick(names) : random.pick(CITIES);
  if (/query|question|topic|text|search|title|subject/i.test(name) && hints.length > 0)
    return hints.slice(0, 8).join(" ");
  return random.pick(WORDS);
}

/** `#/$defs/Name` and other paths inside the same schema. */
function resolve(root: JsonObject, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  let value: unknown = root;
  for (const segment of reference.slice(1).split("/").filter(Boolean)) {
    if (!isObject(value)) return undefined;
    value = value[segment.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return value;
}

function merged(schemas: readonly unknown[]): JsonObject {
  const result: JsonObject = {};
  for (const schema of schemas) {
    if (!isObject(schema)) continue;
    Object.assign(result, schema, {
      properties: { ...objectAt(result, "properties"), ...objectAt(schema, "properties") },
    });
  }
  return result;
}
