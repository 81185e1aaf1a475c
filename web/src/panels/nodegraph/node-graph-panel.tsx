import { useMemo, useRef, useState } from "react";
import type { GrafanaTheme2 } from "../../grafana/data.ts";
import type { PanelProps } from "../types.ts";
import { type GraphEdge, type GraphNode, layoutGraph } from "./graph-layout.ts";

const RADIUS = 32;
/** Drawings smaller than the panel are not blown up beyond this. */
const ZOOM_MAX = 1.2;

/** Labels of edges are legible only above this zoom; below it they show for the node under the pointer. */
const LABEL_ZOOM_MIN = 0.75;

interface View {
  zoom: number;
  /** Middle of the view in drawing units. */
  x: number;
  y: number;
}

/** Services and the calls between them. The wheel zooms, dragging moves. */
export function NodeGraphPanel({ frames, width, height, theme }: PanelProps) {
  const graph = useMemo(() => layoutGraph(frames, width / height), [frames, width, height]);
  const [hovered, setHovered] = useState<string | undefined>();
  const [chosen, setChosen] = useState<View | undefined>();
  const drag = useRef<{ x: number; y: number } | undefined>(undefined);
  const fitted = {
    zoom: Math.min(ZOOM_MAX, width / Math.max(1, graph.width), height / Math.max(1, graph.height)),
    x: graph.width / 2,
    y: graph.height / 2,
  };
  const view = chosen ?? fitted;
  const viewWidth = width / view.zoom;
  const viewHeight = height / view.zoom;
  return (
    <svg
      className="node-graph"
      width={width}
      height={height}
      viewBox={`${view.x - viewWidth / 2} ${view.y - viewHeight / 2} ${viewWidth} ${viewHeight}`}
      role="img"
      aria-label="Service graph"
      onDoubleClick={() => setChosen(undefined)}
      onWheel={(event) => {
        if (!event.ctrlKey && !event.metaKey && chosen === undefined) return;
        setChosen({ ...view, zoom: Math.min(3, Math.max(0.1, view.zoom * (event.deltaY > 0 ? 0.87 : 1.15))) });
      }}
      onPointerDown={(event) => {
        drag.current = { x: event.clientX, y: event.clientY };
      }}
      onPointerMove={(event) => {
        const from = drag.current;
        if (from === undefined || event.buttons === 0) return;
        setChosen({
          ...view,
          x: view.x - (event.clientX - from.x) / view.zoom,
          y: view.y - (event.clientY - from.y) / view.zoom,
        });
        drag.current = { x: event.clientX, y: event.clientY };
      }}
      onPointerUp={() => {
        drag.current = undefined;
      }}
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
      {graph.edges.map((edge) => {
        const touches = edge.source === hovered || edge.target === hovered;
        return (
          <Edge
            key={edge.id}
            edge={edge}
            nodes={graph.nodes}
            isFaint={hovered !== undefined && !touches}
            showText={touches || view.zoom >= LABEL_ZOOM_MIN}
          />
        );
      })}
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

interface EdgeProps {
  edge: GraphEdge;
  nodes: readonly GraphNode[];
  isFaint: boolean;
  showText: boolean;
}

/** Edges end at the rings, not at the middle of the boxes that the layout knows. */
function Edge({ edge, nodes, isFaint, showText }: EdgeProps) {
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
      {showText && (
        <text className="node-graph-edge-text" x={(start.x + end.x) / 2} y={(start.y + end.y) / 2 - 6}>
          {edge.text}
        </text>
      )}
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
