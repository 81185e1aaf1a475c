import type { SpanCursor } from "../ingest/otlp-reader.ts";
import { EDGE_WAIT_MS, PENDING_EDGES_MAX } from "./limits.ts";
import type { SeriesRegistry } from "./series-registry.ts";
import { type AttributeTexts, edgeKey, readWanted, SpanKind, traceIdHex } from "./span-facts.ts";
import { LATENCY_BOUNDS } from "./span-metrics.ts";

/** Attributes that name a peer which sends no spans itself, the most telling first. */
const PEER_ATTRIBUTES = ["peer.service", "db.name", "db.namespace", "server.address", "net.peer.name"];
const DATABASE_ATTRIBUTES = ["db.name", "db.namespace", "db.system", "db.system.name"];
const WANTED: ReadonlySet<string> = new Set([...PEER_ATTRIBUTES, ...DATABASE_ATTRIBUTES]);
/** The client of a request whose root span is a server span. */
const USER = "user";

/** One side of a request between two services, waiting for the other. */
interface Side {
  readonly service: string;
  readonly seconds: number;
  readonly failed: boolean;
}

interface Edge {
  client: Side | undefined;
  server: Side | undefined;
  connectionType: string;
  /** Name of the peer where it sends no spans. */
  peer: string;
  readonly traceId: string;
  readonly expiresAtMs: number;
}

interface WholeEdge {
  readonly client: Side;
  readonly server: Side;
  readonly connectionType: string;
  readonly traceId: string;
}

/** Tempo's service-graphs processor: pairs client and server spans into edges, and makes nodes of silent peers. */
export class ServiceGraph {
  readonly #requests: ReturnType<SeriesRegistry["counter"]>;
  readonly #failed: ReturnType<SeriesRegistry["counter"]>;
  readonly #unpaired: ReturnType<SeriesRegistry["counter"]>;
  readonly #dropped: ReturnType<SeriesRegistry["counter"]>;
  readonly #clientSeconds: ReturnType<SeriesRegistry["histogram"]>;
  readonly #serverSeconds: ReturnType<SeriesRegistry["histogram"]>;
  /** In order of arrival, so the first ones expire first. */
  readonly #pending = new Map<string, Edge>();

  constructor(registry: SeriesRegistry) {
    this.#requests = registry.counter("traces_service_graph_request_total");
    this.#failed = registry.counter("traces_service_graph_request_failed_total");
    this.#unpaired = registry.counter("traces_service_graph_unpaired_spans_total");
    this.#dropped = registry.counter("traces_service_graph_dropped_spans_total");
    this.#clientSeconds = registry.histogram("traces_service_graph_request_client_seconds", LATENCY_BOUNDS);
    this.#serverSeconds = registry.histogram("traces_service_graph_request_server_seconds", LATENCY_BOUNDS);
  }

  get pendingEdges(): number {
    return this.#pending.size;
  }

  observe(span: SpanCursor, service: string, nowMs: number): void {
    if (span.kind === SpanKind.Client || span.kind === SpanKind.Producer) this.#observeClient(span, service, nowMs);
    if (span.kind === SpanKind.Server || span.kind === SpanKind.Consumer) this.#observeServer(span, service, nowMs);
  }

  #observeClient(span: SpanCursor, service: string, nowMs: number): void {
    const key = edgeKey(span, span.spanIdAt);
    const edge = this.#edge(key, span, nowMs);
    if (edge === undefined) {
      this.#dropped(["client", service, "server", ""], 1, nowMs);
      return;
    }
    const attributes = readWanted(span, WANTED);
    edge.client = sideOf(span, service);
    edge.peer = peerOf(attributes);
    if (span.kind === SpanKind.Producer) edge.connectionType = "messaging_system";
    if (DATABASE_ATTRIBUTES.some((name) => attributes.has(name))) {
      // A database never sends a span, so there is nothing to wait for.
      const system = attributes.get("db.system") ?? attributes.get("db.system.name") ?? "";
      edge.connectionType = "database";
      edge.server = { ...edge.client, service: edge.peer || system };
    }
    this.#settle(key, edge, nowMs);
  }

  #observeServer(span: SpanCursor, service: string, nowMs: number): void {
    const isEntry = span.parentIdAt < 0;
    const key = edgeKey(span, isEntry ? span.spanIdAt : span.parentIdAt);
    if (isEntry) {
      // Nobody traced the caller: it is a user, known at once.
      const server = sideOf(span, service);
      const client = { ...server, service: USER };
      this.#record({ client, server, connectionType: "virtual_node", traceId: traceIdHex(span) }, nowMs);
      return;
    }
    const edge = this.#edge(key, span, nowMs);
    if (edge === undefined) {
      this.#dropped(["client", "", "server", service], 1, nowMs);
      return;
    }
    edge.server = sideOf(span, service);
    if (span.kind === SpanKind.Consumer) edge.connectionType = "messaging_system";
    this.#settle(key, edge, nowMs);
  }

  /** Gives up waiting: a peer that was named becomes a virtual node, anything else is an unpaired span. */
  expire(nowMs: number): void {
    for (const [key, edge] of this.#pending) {
      if (edge.expiresAtMs > nowMs) return;
      this.#pending.delete(key);
      const { client, server } = edge;
      if (client !== undefined && edge.peer !== "") {
        const peer = { ...client, service: edge.peer };
        this.#record({ client, server: peer, connectionType: "virtual_node", traceId: edge.traceId }, nowMs);
      } else this.#unpaired(["client", client?.service ?? "", "server", server?.service ?? ""], 1, nowMs);
    }
  }

  #edge(key: string, span: SpanCursor, nowMs: number): Edge | undefined {
    const known = this.#pending.get(key);
    if (known !== undefined) return known;
    if (this.#pending.size >= PENDING_EDGES_MAX) return undefined;
    const edge: Edge = {
      client: undefined,
      server: undefined,
      connectionType: "",
      peer: "",
      traceId: traceIdHex(span),
      expiresAtMs: nowMs + EDGE_WAIT_MS,
    };
    this.#pending.set(key, edge);
    return edge;
  }

  #settle(key: string, { client, server, connectionType, traceId }: Edge, nowMs: number): void {
    if (client === undefined || server === undefined) return;
    this.#pending.delete(key);
    this.#record({ client, server, connectionType, traceId }, nowMs);
  }

  #record({ client, server, connectionType, traceId }: WholeEdge, nowMs: number): void {
    const labels = ["client", client.service, "server", server.service, "connection_type", connectionType];
    this.#requests(labels, 1, nowMs);
    // Zero failures are a number too: an error rate needs both series.
    this.#failed(labels, client.failed || server.failed ? 1 : 0, nowMs);
    this.#clientSeconds(labels, client.seconds, traceId, nowMs);
    this.#serverSeconds(labels, server.seconds, traceId, nowMs);
  }
}

function sideOf(span: SpanCursor, service: string): Side {
  return { service, seconds: span.durationNs / 1e9, failed: span.statusCode === 2 };
}

function peerOf(attributes: AttributeTexts): string {
  const name = PEER_ATTRIBUTES.find((candidate) => (attributes.get(candidate) ?? "") !== "");
  return name === undefined ? "" : attributes.get(name)!;
}
