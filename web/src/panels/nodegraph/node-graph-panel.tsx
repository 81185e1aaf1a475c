import { useMemo, useState } from "react";
import type { GrafanaTheme2 } from "../../grafana/data.ts";
import type { PanelProps } from "../types.ts";
import { type GraphEdge, type GraphNode, layoutGraph } from "./graph-layout.ts";

const RADIUS = 32;
/** Drawings smaller than the panel are not blown up beyond this. */
const ZOOM_MAX = 1.2;

/** Services and the calls between them. */
export function NodeGraphPanel({ frames, width, height, theme }: PanelProps) {
  const graph = useMemo(() => layoutGraph(frames), [frames]);
  const [hovered, setHovered] = useState<string | undefined>();
  const zoom = Math.min(ZOOM_MAX, width / Math.max(1, graph.width), height / Math.max(1, graph.height));
  const viewWidth = width / zoom;
  const viewHeight = height / zoom;
  const x = (graph.width - viewWidth) / 2;
  const y = (graph.height - viewHeight) / 2;
  return (
    <svg
      className="node-graph"
      width={width}
      height={height}
      viewBox={`${x} ${y} ${viewWidth} ${viewHeight}`}
      role="img"
      aria-label="Service graph"
    >
      <defs>
        <marker
          id="node-graph-arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path d="M0,0 L8,4 L0,8 Z" className="node-graph-arrow" />
        </marker>
      </defs>
      {graph.edges.map((edge) => (
        <Edge
          key={edge.id}
          edge={edge}
          nodes={graph.nodes}
          isFaint={hovered !== undefined && edge.source !== hovered && edge.target !== hovered}
        />
      ))}
      {graph.nodes.map((node) => (
        <g
          key={node.id}
          transform={`translate(${node.x}, ${node.y})`}
          onPointerEnter={() => setHovered(node.id)}
          onPointerLeave={() => setHovered(undefined)}
        >
          <Node node={node} theme={theme} />
        </g>
      ))}
    </svg>
  );
}

function Node({ node, theme }: { node: GraphNode; theme: GrafanaTheme2 }) {
  const length = 2 * Math.PI * RADIUS;
  let offset = 0;
  return (
    <>
      <circle r={RADIUS} className="node-graph-node" cy={-14} />
      {node.arcs.map((arc) => {
        const dash = `${arc.share * length} ${length}`;
        const start = -offset;
        offset += arc.share * length;
        return arc.share <= 0 ? null : (
          <circle
            key={arc.color}
            r={RADIUS}
            cy={-14}
            fill="none"
            stroke={theme.visualization.getColorByName(arc.color)}
            strokeWidth={4}
            strokeDasharray={dash}
            strokeDashoffset={start}
            transform="rotate(-90 0 -14)"
          />
        );
      })}
      <text className="node-graph-stat" y={node.secondary === "" ? -9 : -16}>
        {node.main || (node.secondary === "" ? "–" : "")}
      </text>
      <text className="node-graph-stat node-graph-second" y={node.main === "" ? -9 : -1}>
        {node.secondary}
      </text>
      <text className="node-graph-title" y={38}>
        {node.title}
      </text>
    </>
  );
}

/** Edges end at the rings, not at the middle of the boxes that the layout knows. */
function Edge({ edge, nodes, isFaint }: { edge: GraphEdge; nodes: readonly GraphNode[]; isFaint: boolean }) {
  const source = nodes.find((node) => node.id === edge.source)!;
  const target = nodes.find((node) => node.id === edge.target)!;
  const inner = edge.points.slice(1, -1);
  const from = { x: source.x, y: source.y - 14 };
  const to = { x: target.x, y: target.y - 14 };
  if (edge.source === edge.target) {
    return (
      <path
        className="node-graph-edge"
        d={`M${from.x - 14},${from.y - RADIUS} C${from.x - 50},${from.y - 90} ${from.x + 50},${from.y - 90} ${from.x + 14},${from.y - RADIUS - 2}`}
        markerEnd="url(#node-graph-arrow)"
      />
    );
  }
  const start = towards(from, inner[0] ?? to, RADIUS + 3);
  const end = towards(to, inner.at(-1) ?? from, RADIUS + 6);
  const middle = inner.length > 2 ? inner.slice(1, -1) : [];
  const path = [start, ...middle, end]
    .map((point, index) => `${index === 0 ? "M" : "L"}${point.x.toFixed(1)},${point.y.toFixed(1)}`)
    .join(" ");
  return (
    <g opacity={isFaint ? 0.2 : 1}>
      <path className="node-graph-edge" d={path} markerEnd="url(#node-graph-arrow)" />
      <text className="node-graph-edge-text" x={(start.x + end.x) / 2} y={(start.y + end.y) / 2 - 6}>
        {edge.text}
      </text>
    </g>
  );
}

function towards(
  from: { x: number; y: number },
  to: { x: number; y: number },
  distance: number,
): { x: number; y: number } {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  return { x: from.x + ((to.x - from.x) / length) * distance, y: from.y + ((to.y - from.y) / length) * distance };
}
