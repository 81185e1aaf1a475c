import type { AttributeRef, FieldRef, IntrinsicRef } from "../../languages/traceql/ast.ts";
import { type AttributeScope, IntrinsicKey, type SpanBlock } from "../store/span-block.ts";
import type { BlockFacts } from "./block-facts.ts";
import { KIND_WORDS, type Scalar, STATUS_WORDS, type Value, valueAt } from "./values.ts";

/** The value of an expression for a row of the block it was compiled for. */
export type Getter = (row: number) => Value;

/** The value of an attribute or intrinsic; the columns of `columnsOf` must be prepared. */
export function fieldGetter(field: FieldRef, facts: BlockFacts): Getter {
  const own = field.type === "attribute" ? attributeGetter(field, facts.block) : intrinsicGetter(field, facts);
  return ofParent(field.parent, facts.block, own);
}

function ofParent(isParent: boolean, block: SpanBlock, getter: Getter): Getter {
  if (!isParent) return getter;
  const { parentRows } = block;
  return (row) => (parentRows[row] === -1 ? undefined : getter(parentRows[row]!));
}

function attributeGetter({ scope, name }: AttributeRef, block: SpanBlock): Getter {
  if (scope !== "none") return columnGetter(scope, name, block);
  const ofSpan = columnGetter("span", name, block);
  const ofResource = columnGetter("resource", name, block);
  return (row) => ofSpan(row) ?? ofResource(row);
}

/** Values of a column by span row; those of all events (or links) of the span together as an array. */
function columnGetter(scope: AttributeScope, key: string, block: SpanBlock): Getter {
  const column = block.column(scope, key);
  if (column === undefined) return () => undefined;
  const { strings, resources, scopes } = block;
  switch (scope) {
    case "span":
      return (row) => valueAt(column, row, strings);
    case "resource":
      return (row) => valueAt(column, resources[row]!, strings);
    case "instrumentation":
      return (row) => valueAt(column, scopes[row]!, strings);
    default: {
      const starts = scope === "event" ? block.eventStarts : block.linkStarts;
      return (row) => {
        const found: Scalar[] = [];
        for (let child = starts[row]!; child < starts[row + 1]!; child++) {
          const value = valueAt(column, child, strings);
          if (typeof value === "object") found.push(...value);
          else if (value !== undefined) found.push(value);
        }
        return found.length === 0 ? undefined : found;
      };
    }
  }
}

function intrinsicGetter({ name }: IntrinsicRef, facts: BlockFacts): Getter {
  const { block } = facts;
  const { strings } = block;
  switch (name) {
    case "duration":
      return (row) => block.durationNs[row];
    case "name":
      return (row) => strings.text(block.names[row]!);
    case "status":
      return (row) => STATUS_WORDS[block.statuses[row]!];
    case "statusMessage":
      return (row) => strings.text(block.statusMessages[row]!);
    case "kind":
      return (row) => KIND_WORDS[block.kinds[row]!];
    case "childCount":
      return (row) => facts.childCounts[row];
    case "parent":
      return (row) => (block.parentRows[row] === -1 ? undefined : true);
    case "traceDuration":
      return (row) => facts.traceDurations[facts.traceOf[row]!];
    case "rootName":
      return (row) => rootOf(facts, row, (root) => strings.text(block.names[root]!));
    case "rootServiceName": {
      const service = columnGetter("resource", "service.name", block);
      return (row) => rootOf(facts, row, service);
    }
    case "nestedSetLeft":
      return (row) => facts.nested.left[row];
    case "nestedSetRight":
      return (row) => facts.nested.right[row];
    case "nestedSetParent":
      return (row) => facts.nested.parent[row];
    case "trace:id":
      return (row) => hex(block.traceIds, facts.traceOf[row]!, 16);
    case "span:id":
      return (row) => hex(block.spanIds, row, 8);
    case "span:parentID":
      return (row) => (facts.isRoot(row) ? undefined : hex(block.parentIds, row, 8));
    case "event:name":
      return columnGetter("event", IntrinsicKey.EventName, block);
    case "event:timeSinceStart":
      return columnGetter("event", IntrinsicKey.EventTime, block);
    case "link:traceID":
      return columnGetter("link", IntrinsicKey.LinkTraceId, block);
    case "link:spanID":
      return columnGetter("link", IntrinsicKey.LinkSpanId, block);
    case "instrumentation:name":
      return columnGetter("instrumentation", IntrinsicKey.ScopeName, block);
    case "instrumentation:version":
      return columnGetter("instrumentation", IntrinsicKey.ScopeVersion, block);
  }
}

function rootOf(facts: BlockFacts, row: number, getter: Getter): Value {
  const root = facts.roots[facts.traceOf[row]!]!;
  return root === -1 ? undefined : getter(root);
}

/** Id number `index` of a column of ids `width` bytes wide, as lower-case hex. */
export function hex(ids: Uint8Array, index: number, width: number): string {
  return Buffer.from(ids.buffer, ids.byteOffset + index * width, width).toString("hex");
}

/** Where a reference's values live; undefined for intrinsics of the span itself. */
export function columnsOf(field: FieldRef): { scope: AttributeScope; key: string }[] {
  if (field.type === "attribute") {
    if (field.scope !== "none") return [{ scope: field.scope, key: field.name }];
    return [
      { scope: "span", key: field.name },
      { scope: "resource", key: field.name },
    ];
  }
  switch (field.name) {
    case "rootServiceName":
      return [{ scope: "resource", key: "service.name" }];
    case "event:name":
      return [{ scope: "event", key: IntrinsicKey.EventName }];
    case "event:timeSinceStart":
      return [{ scope: "event", key: IntrinsicKey.EventTime }];
    case "link:traceID":
      return [{ scope: "link", key: IntrinsicKey.LinkTraceId }];
    case "link:spanID":
      return [{ scope: "link", key: IntrinsicKey.LinkSpanId }];
    case "instrumentation:name":
      return [{ scope: "instrumentation", key: IntrinsicKey.ScopeName }];
    case "instrumentation:version":
      return [{ scope: "instrumentation", key: IntrinsicKey.ScopeVersion }];
    default:
      return [];
  }
}
