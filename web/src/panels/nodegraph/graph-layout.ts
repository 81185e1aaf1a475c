import { graphlib, layout } from "@dagrejs/dagre";
import { type DataFrame, formattedValueToString } from "../../grafana/data.ts";

export interface GraphNode {
  id: string;
  title: string;
  main: string;
  secondary: string;
  /** Shares of the ring by colour name, in order. */
  arcs: { color: string; share: number }[];
  x: number;
  y: number;
}

export interface GraphEdge {
  id: string;
  source: string;
  target: string;
  text: string;
  points: { x: number; y: number }[];
}

export interface GraphLayout {
  nodes: GraphNode[];
  edges: GraphEdge[];
  width: number;
  height: number;
}

/** Most nodes drawn. */
const NODES_MAX = 150;
/** Room for a node with its texts, in drawing units. */
const NODE_WIDTH = 112;
const NODE_HEIGHT = 104;

/**
 * Reads Grafana's node graph frames and places the nodes from left to right or from top to bottom, whichever fills a
 * box of the given shape (width divided by height) better.
 */
export function layoutGraph(frames: readonly DataFrame[], aspect: number): GraphLayout {
  const column = (frame: DataFrame, name: string) => frame.fields.find((field) => field.name.toLowerCase() === name);
  const edgeFrame = frames.find(
    (frame) => column(frame, "source") !== undefined && column(frame, "target") !== undefined,
  );
  const nodeFrame = frames.find((frame) => frame !== edgeFrame && column(frame, "id") !== undefined);
  if (nodeFrame === undefined) return { nodes: [], edges: [], width: 0, height: 0 };
  const text = (frame: DataFrame, name: string, row: number): string => {
    const field = column(frame, name);
    const value = field?.values[row] as unknown;
    if (field === undefined || value === null || value === undefined || Number.isNaN(value)) return "";
    return field.display === undefined ? String(value) : formattedValueToString(field.display(value));
  };
  const raw = (frame: DataFrame, name: string, row: number) => String(column(frame, name)?.values[row] ?? "");
  const arcs = nodeFrame.fields.filter((field) => field.name.startsWith("arc__"));
  const nodes = Array.from(
    { length: Math.min(NODES_MAX, nodeFrame.length) },
    (_, row): GraphNode => ({
      id: raw(nodeFrame, "id", row),
      title: raw(nodeFrame, "title", row) || raw(nodeFrame, "id", row),
      main: text(nodeFrame, "mainstat", row),
      secondary: text(nodeFrame, "secondarystat", row),
      arcs: arcs.map((field) => ({
        color: field.config.color?.fixedColor ?? "green",
        share: Number(field.values[row] ?? 0),
      })),
      x: 0,
      y: 0,
    }),
  );
  const known = new Set(nodes.map((node) => node.id));
  const edges =
    edgeFrame === undefined
      ? []
      : Array.from(
          { length: edgeFrame.length },
          (_, row): GraphEdge => ({
            id: raw(edgeFrame, "id", row) || String(row),
            source: raw(edgeFrame, "source", row),
            target: raw(edgeFrame, "target", row),
            text: [text(edgeFrame, "mainstat", row), text(edgeFrame, "secondarystat", row)]
              .filter((part) => part !== "")
              .join(" · "),
            points: [],
          }),
        ).filter((edge) => known.has(edge.source) && known.has(edge.target));
  const lying = place(nodes, edges, "LR");
  const standing = place(nodes, edges, "TB");
  const zoom = (layout: GraphLayout) => Math.min(aspect / layout.width, 1 / layout.height);
  // From left to right reads more easily, so another order must be clearly larger to win.
  const candidates = [
    { layout: lying, weight: 1.15 },
    { layout: standing, weight: 1 },
    { layout: stagger(standing), weight: 1 },
  ];
  return candidates.reduce((best, one) =>
    zoom(one.layout) * one.weight > zoom(best.layout) * best.weight ? one : best,
  ).layout;
}

function place(nodes: readonly GraphNode[], edges: readonly GraphEdge[], direction: "LR" | "TB"): GraphLayout {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: 10, ranksep: direction === "LR" ? 110 : 70, marginx: 16, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const edge of edges) graph.setEdge(edge.source, edge.target, {}, edge.id);
  layout(graph);
  const { width = 1, height = 1 } = graph.graph() as { width?: number; height?: number };
  return {
    nodes: nodes.map((node) => ({ ...node, ...(graph.node(node.id) as { x: number; y: number }) })),
    edges: edges.map((edge) => {
      const { points = [] } = graph.edge({ v: edge.source, w: edge.target, name: edge.id }) as {
        points?: { x: number; y: number }[];
      };
      return { ...edge, points };
    }),
    width,
    height,
  };
}

/** Ranks with more nodes than this are folded into two lines. */
const RANK_NODES_MAX = 5;

/** Moves every other node of a crowded rank down, which lets the rank be half as wide. */
function stagger(graph: GraphLayout): GraphLayout {
  const ranks = new Map<number, GraphNode[]>();
  for (const node of graph.nodes) ranks.set(node.y, [...(ranks.get(node.y) ?? []), node]);
  const spacing = (count: number) => (count > RANK_NODES_MAX ? NODE_WIDTH * 0.62 : NODE_WIDTH + 10);
  const width = Math.max(...[...ranks.values()].map((rank) => rank.length * spacing(rank.length))) + NODE_WIDTH;
  let shiftedBy = 0;
  const nodes: GraphNode[] = [];
  for (const [y, rank] of [...ranks].sort(([a], [b]) => a - b)) {
    const isFolded = rank.length > RANK_NODES_MAX;
    const step = spacing(rank.length);
    const first = width / 2 - ((rank.length - 1) * step) / 2;
    rank.sort((a, b) => a.x - b.x);
    rank.forEach((node, index) => {
      const down = isFolded && index % 2 === 1 ? NODE_HEIGHT : 0;
      nodes.push({ ...node, x: first + index * step, y: y + shiftedBy + down });
    });
    if (isFolded) shiftedBy += NODE_HEIGHT;
  }
  // The bends belong to the old places.
  return {
    nodes,
    edges: graph.edges.map((edge) => ({ ...edge, points: [] })),
    width,
    height: graph.height + shiftedBy,
  };
}
