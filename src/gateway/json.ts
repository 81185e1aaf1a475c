/** A JSON object from outside: any member may be missing or of any type, so every read checks. */
export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member as an object, or an empty one. */
export function objectAt(value: JsonObject, key: string): JsonObject {
  const member = value[key];
  return isObject(member) ? member : {};
}

/** The member as an array of objects; anything else in it is left out. */
export function objectsAt(value: JsonObject, key: string): JsonObject[] {
  const member = value[key];
  return Array.isArray(member) ? member.filter(isObject) : [];
}

export function stringAt(value: JsonObject, key: string): string | undefined {
  const member = value[key];
  return typeof member === "string" ? member : undefined;
}

export function numberAt(value: JsonObject, key: string): number | undefined {
  const member = value[key];
  return typeof member === "number" && Number.isFinite(member) ? member : undefined;
}

/** The value of a JSON text that must be an object, or undefined when it is not. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // The caller reports what could not be read, with its own context.
  }
}
