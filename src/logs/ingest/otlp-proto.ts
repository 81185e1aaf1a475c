import { HttpError } from "../../runtime/http-error.ts";
import type { OtlpAttribute, OtlpRecord, OtlpScope, OtlpValue } from "./otlp-model.ts";
import { ProtoReader } from "./proto-reader.ts";

/** Nested lists and maps of one attribute, at most. */
const DEPTH_MAX = 32;

/** Reads an ExportLogsServiceRequest (opentelemetry/proto/logs/v1/logs.proto). @throws HttpError 400 */
export function readOtlpProto(body: Buffer): OtlpScope[] {
  const scopes: OtlpScope[] = [];
  const request = new ProtoReader(body, 0, body.length);
  while (request.next()) {
    if (request.field === 1) readResourceLogs(request.message(), scopes);
    else request.skip();
  }
  return scopes;
}

function readResourceLogs(message: ProtoReader, scopes: OtlpScope[]): void {
  const resource: OtlpAttribute[] = [];
  while (message.next()) {
    if (message.field === 1) {
      const inner = message.message();
      while (inner.next()) {
        if (inner.field === 1) resource.push(readAttribute(inner.message(), 0));
        else inner.skip();
      }
    } else if (message.field === 2) scopes.push(readScopeLogs(message.message(), resource));
    else message.skip();
  }
}

/** `resource` is shared: it is complete by the time a caller looks, whatever the order of the fields. */
function readScopeLogs(message: ProtoReader, resource: readonly OtlpAttribute[]): OtlpScope {
  let scopeName = "";
  let scopeVersion = "";
  const records: OtlpRecord[] = [];
  while (message.next()) {
    if (message.field === 1) {
      const scope = message.message();
      while (scope.next()) {
        if (scope.field === 1) scopeName = scope.text();
        else if (scope.field === 2) scopeVersion = scope.text();
        else scope.skip();
      }
    } else if (message.field === 2) records.push(readRecord(message.message()));
    else message.skip();
  }
  return { resource, scopeName, scopeVersion, records };
}

function readRecord(message: ProtoReader): OtlpRecord {
  let timeNs = 0n;
  let observedNs = 0n;
  let severityNumber = 0;
  let severityText = "";
  let body: OtlpValue = null;
  let traceId = "";
  let spanId = "";
  const attributes: OtlpAttribute[] = [];
  while (message.next()) {
    if (message.field === 1) timeNs = message.fixed64();
    else if (message.field === 2) severityNumber = message.int64();
    else if (message.field === 3) severityText = message.text();
    else if (message.field === 5) body = readValue(message.message(), 0);
    else if (message.field === 6) attributes.push(readAttribute(message.message(), 0));
    else if (message.field === 9) traceId = Buffer.from(message.bytes()).toString("hex");
    else if (message.field === 10) spanId = Buffer.from(message.bytes()).toString("hex");
    else if (message.field === 11) observedNs = message.fixed64();
    else message.skip();
  }
  return { timeNs, observedNs, severityNumber, severityText, body, attributes, traceId, spanId };
}

function readAttribute(message: ProtoReader, depth: number): OtlpAttribute {
  let key = "";
  let value: OtlpValue = null;
  while (message.next()) {
    if (message.field === 1) key = message.text();
    else if (message.field === 2) value = readValue(message.message(), depth);
    else message.skip();
  }
  return [key, value];
}

function readValue(message: ProtoReader, depth: number): OtlpValue {
  if (depth > DEPTH_MAX) throw new HttpError(400, `attribute nests deeper than ${DEPTH_MAX} levels`);
  let value: OtlpValue = null;
  while (message.next()) {
    if (message.field === 1) value = message.text();
    else if (message.field === 2) value = message.int64() !== 0;
    else if (message.field === 3) value = message.int64();
    else if (message.field === 4) value = message.double();
    else if (message.field === 5) value = readList(message.message(), depth + 1);
    else if (message.field === 6) value = readMap(message.message(), depth + 1);
    else if (message.field === 7) value = Buffer.from(message.bytes()).toString("base64");
    else message.skip();
  }
  return value;
}

function readList(message: ProtoReader, depth: number): OtlpValue[] {
  const values: OtlpValue[] = [];
  while (message.next()) {
    if (message.field === 1) values.push(readValue(message.message(), depth));
    else message.skip();
  }
  return values;
}

function readMap(message: ProtoReader, depth: number): { [key: string]: OtlpValue } {
  const map: { [key: string]: OtlpValue } = Object.create(null);
  while (message.next()) {
    if (message.field !== 1) {
      message.skip();
      continue;
    }
    const [key, value] = readAttribute(message.message(), depth);
    map[key] = value;
  }
  return map;
}
