const COLORS = [
  "#3f6833",
  "#967302",
  "#2f575e",
  "#99440a",
  "#58140c",
  "#052b51",
  "#511749",
  "#3f2b5b",
  "#0a4f49",
  "#5b3a0a",
];

/** A tag in the colour that its name always has. */
export function Tag({ name, chosen = false, onClick }: { name: string; chosen?: boolean; onClick?: () => void }) {
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  const style = { background: COLORS[hash % COLORS.length] };
  if (onClick === undefined) {
    return (
      <span className="tag" style={style}>
        {name}
      </span>
    );
  }
  return (
    <button
      type="button"
      className={`tag tag-button ${chosen ? "tag-chosen" : ""}`}
      style={style}
      aria-pressed={chosen}
      onClick={onClick}
    >
      {name}
    </button>
  );
}
