import { sanitizeLabelName } from "../../languages/logql/label-name.ts";
import { Labels } from "../../series/labels.ts";
import type { Entry, StreamEntries } from "../entry.ts";
import { LABEL_NAMES_MAX } from "../limits.ts";
import type { OtlpAttribute, OtlpRecord, OtlpScope, OtlpValue } from "./otlp-model.ts";
import { splitNanoseconds } from "./push-json.ts";

/** Resource attributes that become stream labels; all others ride beside the lines. Loki's own default list. */
const INDEXED = new Set([
  "service.name",
  "service.namespace",
  "service.instance.id",
  "deployment.environment",
  "deployment.environment.name",
  "cloud.region",
  "cloud.availability_zone",
  "cloud.platform",
  "k8s.cluster.name",
  "k8s.namespace.name",
  "k8s.pod.name",
  "k8s.container.name",
  "container.name",
  "k8s.replicaset.name",
  "k8s.deployment.name",
  "k8s.statefulset.name",
  "k8s.daemonset.name",
  "k8s.cronjob.name",
  "k8s.job.name",
]);

/** Turns OTLP records into entries: the body is the line, what describes it becomes structured metadata. */
export function otlpToStreams(scopes: readonly OtlpScope[], nowMs: number): StreamEntries[] {
  return scopes
    .filter(({ records }) => records.length > 0)
    .map((scope) => {
      const indexed = scope.resource.filter(([key]) => INDEXED.has(key)).slice(0, LABEL_NAMES_MAX - 1);
      const names = new Set(indexed.map(([key]) => key));
      const labels: (readonly [string, string])[] = [["service_name", "unknown_service"]];
      for (const [key, value] of indexed) labels.push([sanitizeLabelName(key), textOf(value)]);
      const shared = pairs([
        ...scope.resource.filter(([key]) => !names.has(key)),
        ["scope_name", scope.scopeName],
        ["scope_version", scope.scopeVersion],
      ]);
      return {
        labels: Labels.fromEntries(labels.filter(([, value]) => value !== "")),
        entries: scope.records.map((record) => toEntry(record, shared, nowMs)),
      };
    });
}

function toEntry(record: OtlpRecord, shared: readonly string[], nowMs: number): Entry {
  const timeNs = record.timeNs !== 0n ? record.timeNs : record.observedNs;
  const own = pairs([
    ...record.attributes,
    ["severity_number", record.severityNumber === 0 ? "" : record.severityNumber],
    ["severity_text", record.severityText],
    ["trace_id", record.traceId],
    ["span_id", record.spanId],
  ]);
  return {
    ...(timeNs === 0n ? { timestampMs: nowMs, subMsNs: 0 } : splitNanoseconds(timeNs)),
    line: Buffer.from(textOf(record.body)),
    metadata: [...shared, ...own],
  };
}

/** Flat pairs with valid names; maps are flattened by `_`, empty values left out. */
function pairs(attributes: readonly OtlpAttribute[]): string[] {
  const flat: string[] = [];
  const add = (name: string, value: OtlpValue): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) add(`${name}_${sanitizeLabelName(key)}`, inner as OtlpValue);
      return;
    }
    const text = textOf(value);
    if (text !== "") flat.push(name, text);
  };
  for (const [key, value] of attributes) if (key !== "") add(sanitizeLabelName(key), value);
  return flat;
}

function textOf(value: OtlpValue): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
