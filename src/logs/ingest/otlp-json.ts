import { parseJson } from "../../runtime/body.ts";
import { HttpError } from "../../runtime/http-error.ts";
import type { OtlpAttribute, OtlpRecord, OtlpScope, OtlpValue } from "./otlp-model.ts";

type JsonObject = Record<string, unknown>;

/** Reads OTLP/JSON: lowerCamelCase names, 64-bit integers as text, ids as hex. @throws HttpError 400 */
export function readOtlpJson(body: Buffer): OtlpScope[] {
  const root = objectOf(parseJson(body.toString("utf8")), "the request");
  return listOf(root["resourceLogs"], "resourceLogs").flatMap((item) => {
    const resourceLogs = objectOf(item, "resourceLogs[]");
    const resource = attributesOf(optional(resourceLogs["resource"])["attributes"]);
    return listOf(resourceLogs["scopeLogs"], "scopeLogs").map((scopeItem) => {
      const scopeLogs = objectOf(scopeItem, "scopeLogs[]");
      const scope = optional(scopeLogs["scope"]);
      return {
        resource,
        scopeName: textOf(scope["name"]),
        scopeVersion: textOf(scope["version"]),
        records: listOf(scopeLogs["logRecords"], "logRecords").map(readRecord),
      };
    });
  });
}

function readRecord(item: unknown): OtlpRecord {
  const record = objectOf(item, "logRecords[]");
  return {
    timeNs: nanosecondsOf(record["timeUnixNano"]),
    observedNs: nanosecondsOf(record["observedTimeUnixNano"]),
    severityNumber: typeof record["severityNumber"] === "number" ? record["severityNumber"] : 0,
    severityText: textOf(record["severityText"]),
    body: anyValueOf(record["body"]),
    attributes: attributesOf(record["attributes"]),
    traceId: textOf(record["traceId"]).toLowerCase(),
    spanId: textOf(record["spanId"]).toLowerCase(),
  };
}

function attributesOf(value: unknown): OtlpAttribute[] {
  return listOf(value, "attributes").map((item) => {
    const attribute = objectOf(item, "attributes[]");
    return [textOf(attribute["key"]), anyValueOf(attribute["value"])] as const;
  });
}

function anyValueOf(value: unknown): OtlpValue {
  const any = optional(value);
  if (typeof any["stringValue"] === "string") return any["stringValue"];
  if (typeof any["boolValue"] === "boolean") return any["boolValue"];
  if (typeof any["doubleValue"] === "number") return any["doubleValue"];
  if (typeof any["bytesValue"] === "string") return any["bytesValue"];
  const integer = any["intValue"];
  if (typeof integer === "number") return integer;
  if (typeof integer === "string") return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
  if (any["arrayValue"] !== undefined) return listOf(optional(any["arrayValue"])["values"], "values").map(anyValueOf);
  if (any["kvlistValue"] === undefined) return null;
  const map: { [key: string]: OtlpValue } = Object.create(null);
  for (const [key, item] of attributesOf(optional(any["kvlistValue"])["values"])) map[key] = item;
  return map;
}

function nanosecondsOf(value: unknown): bigint {
  if (value === undefined || value === "") return 0n;
  if (
    (typeof value === "string" && /^\d{1,20}$/.test(value)) ||
    (typeof value === "number" && Number.isSafeInteger(value))
  ) {
    return BigInt(value);
  }
  throw new HttpError(400, "timeUnixNano must be decimal digits");
}

function objectOf(value: unknown, name: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new HttpError(400, `${name} is no object`);
}

function optional(value: unknown): JsonObject {
  return value === undefined || value === null ? {} : objectOf(value, "a nested message");
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value as unknown[];
  throw new HttpError(400, `${name} is no array`);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
