import { type ColumnRequest, startNs } from "../store/span-block.ts";
import type { BlockFacts } from "./block-facts.ts";
import { hex } from "./field-getter.ts";
import type { SpansetJson } from "./search.ts";
import { valueAt } from "./values.ts";

/** The column that every summary reads. */
export const SERVICE_NAME: ColumnRequest = { scope: "resource", key: "service.name" };

/** What Tempo shows where the root span is missing. */
const ROOT_MISSING = "<root span not yet received>";

/** One trace in search results. */
export class TraceSummary {
  readonly traceId: string;
  readonly spansets: SpansetJson[] = [];
  rootServiceName: string | undefined;
  rootTraceName: string | undefined;
  startNs: bigint;
  durationNs: number;
  readonly services = new Map<string, { spanCount: number; errorCount: number }>();

  /** From the rows of one trace; the column `SERVICE_NAME` must be prepared. */
  constructor(facts: BlockFacts, trace: number) {
    const { block } = facts;
    const { traceStarts, strings, resources } = block;
    this.traceId = hex(block.traceIds, trace, 16);
    this.startNs = startNs(block, traceStarts[trace]!);
    this.durationNs = facts.traceDurations[trace]!;
    const serviceNames = block.column(SERVICE_NAME.scope, SERVICE_NAME.key);
    const serviceOf = (row: number): string => {
      const value = valueAt(serviceNames, resources[row]!, strings);
      return typeof value === "string" ? value : "";
    };
    const root = facts.roots[trace]!;
    if (root !== -1) {
      this.rootServiceName = serviceOf(root);
      this.rootTraceName = strings.text(block.names[root]!);
    }
    for (let row = traceStarts[trace]!; row < traceStarts[trace + 1]!; row++) {
      this.#count(serviceOf(row), 1, block.statuses[row] === 2 ? 1 : 0);
    }
  }

  /** Takes in what another block knows of the same trace. */
  merge(other: TraceSummary): void {
    this.rootServiceName ??= other.rootServiceName;
    this.rootTraceName ??= other.rootTraceName;
    const end = maxBig(this.startNs + ns(this.durationNs), other.startNs + ns(other.durationNs));
    if (other.startNs < this.startNs) this.startNs = other.startNs;
    this.durationNs = Number(end - this.startNs);
    for (const [service, { spanCount, errorCount }] of other.services) this.#count(service, spanCount, errorCount);
    this.spansets.push(...other.spansets);
  }

  /** As `/api/search` answers it. */
  toJson(): object {
    const durationMs = Math.floor(this.durationNs / 1e6);
    const serviceStats: Record<string, object> = Object.create(null);
    for (const [service, { spanCount, errorCount }] of this.services) {
      serviceStats[service] = { spanCount, ...(errorCount > 0 ? { errorCount } : {}) };
    }
    return {
      traceID: this.traceId,
      rootServiceName: this.rootServiceName ?? ROOT_MISSING,
      ...(this.rootTraceName === undefined ? {} : { rootTraceName: this.rootTraceName }),
      startTimeUnixNano: this.startNs.toString(),
      durationMs,
      spanSet: this.spansets[0],
      spanSets: this.spansets,
      serviceStats,
    };
  }

  #count(service: string, spanCount: number, errorCount: number): void {
    const stats = this.services.get(service);
    if (stats === undefined) this.services.set(service, { spanCount, errorCount });
    else {
      stats.spanCount += spanCount;
      stats.errorCount += errorCount;
    }
  }
}

function ns(value: number): bigint {
  return BigInt(Math.round(value));
}

function maxBig(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
