import { ByteWriter } from "../../storage/varint.ts";
import { EnvelopeTag, writeField } from "../store/envelope.ts";
import type { TraceStore } from "../store/trace-store.ts";

/** A ScopeSpans without its spans, and its spans; all bytes as they arrived. */
export interface ScopeGroup {
  readonly envelope: Uint8Array;
  readonly spans: Uint8Array[];
}

/** A ResourceSpans without its scopes, and its scopes. */
export interface ResourceGroup {
  readonly envelope: Uint8Array;
  readonly scopes: ScopeGroup[];
}

/** All spans of a trace grouped as OTLP nests them, each span once; undefined for an unknown trace. */
export async function findTrace(store: TraceStore, traceId: Uint8Array): Promise<ResourceGroup[] | undefined> {
  const resources = new Map<string, ResourceGroup & { byScope: Map<string, ScopeGroup> }>();
  const seen = new Set<string>();
  for await (const { block, trace } of store.blocksOfTrace(traceId)) {
    const start = block.traceStarts[trace]!;
    const spans = await store.readSpans(block, start, block.traceStarts[trace + 1]!);
    for (const [index, span] of spans.entries()) {
      // A crash between a segment and the end of its log may leave a span in both.
      const identity = key(span);
      if (seen.has(identity)) continue;
      seen.add(identity);
      const envelope = block.rawResource(block.resources[start + index]!);
      const scopeEnvelope = block.rawScope(block.scopes[start + index]!);
      let resource = resources.get(key(envelope));
      if (resource === undefined) {
        resource = { envelope, scopes: [], byScope: new Map() };
        resources.set(key(envelope), resource);
      }
      let scope = resource.byScope.get(key(scopeEnvelope));
      if (scope === undefined) {
        scope = { envelope: scopeEnvelope, spans: [] };
        resource.byScope.set(key(scopeEnvelope), scope);
        resource.scopes.push(scope);
      }
      scope.spans.push(span);
    }
  }
  return resources.size === 0 ? undefined : [...resources.values()];
}

function key(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** The groups as one TracesData message, which is also Tempo's Trace. */
export function encodeTrace(groups: readonly ResourceGroup[]): Uint8Array {
  const writer = new ByteWriter(16 * 1024);
  for (const { envelope, scopes } of groups) {
    const resource = new ByteWriter(4096);
    resource.bytes(envelope);
    for (const { envelope: scopeEnvelope, spans } of scopes) {
      const scope = new ByteWriter(4096);
      scope.bytes(scopeEnvelope);
      for (const span of spans) writeField(scope, EnvelopeTag.Children, span);
      writeField(resource, EnvelopeTag.Children, scope.view());
    }
    writeField(writer, EnvelopeTag.Message, resource.view());
  }
  return writer.copy();
}
