import {
  ABORT,
  BEHAVIOURS,
  type Behaviour,
  type Cell,
  type Outcome,
  PROVIDERS,
  type ProviderId,
} from "./behaviours.ts";
import type { Client } from "./dialogue.ts";
import { ENDPOINTS } from "./endpoints.ts";

/** docs/clients.md, from the very list that the tests are made of. */

const INTRODUCTION = `# Clients

What works with which client, from the list that \`test/gateway-clients-table.test.ts\` makes its tests of: one for each
behaviour, client and format of provider (chat completions of a compatible server, OpenAI's Responses, Anthropic's messages,
Gemini). The clients are the real packages (\`openai\`, \`@anthropic-ai/sdk\`, the AI SDK \`ai\` with \`@ai-sdk/openai\` and
\`@ai-sdk/anthropic\`, \`@langchain/openai\` and \`@langchain/anthropic\`) and \`curl\`; "chat" is \`/v1/chat/completions\`,
"responses" \`/v1/responses\`, "messages" \`/v1/messages\`. Each test checks what the client got and what the provider was asked.

\`GATEWAYZ_WRITE_DOCS=1 npx vitest run --project system test/clients-page.test.ts\` writes this page anew.

- **✓** works with every format of provider, or with those named
- **dropped**: the answer comes, and the member stands in \`x-gatewayz-dropped-params\`
- **refused**: 400 \`NOT_TRANSLATABLE\`, before a provider is asked
- **–**: the client, or its format, has no way to say it; the notes below the table say why
`;

/** @param clients All that the tests ask with, in the order of columns. */
export function clientsPage(clients: readonly Client[]): string {
  const notes: string[] = [];
  const noteOf = (text: string): string => {
    if (!notes.includes(text)) notes.push(text);
    return String(notes.indexOf(text) + 1);
  };
  const row = (behaviour: Behaviour): string =>
    line([behaviour.name, ...clients.map((client) => cellText(behaviour, client, noteOf))]);
  const rows = [...BEHAVIOURS, ABORT].map(row);
  const columns = clients.map(({ id }) => id);
  const columnsToo = [...new Set(ENDPOINTS.flatMap(({ clients: by }) => Object.keys(by)))];
  const rowsToo = ENDPOINTS.map(({ name, clients: by }) =>
    line([name, ...columnsToo.map((id) => (by[id] ? "✓" : ""))]),
  );
  return [
    INTRODUCTION,
    `## One question (${BEHAVIOURS.length + 1} behaviours, ${clients.length} clients, ${Object.keys(PROVIDERS).length} formats of provider)\n`,
    table("Behaviour", columns, rows),
    ...notes.map((note, index) => `${index + 1}. ${note[0]!.toUpperCase()}${note.slice(1)}.`),
    `\n## Beside it (${ENDPOINTS.length})\n`,
    table("Behaviour", columnsToo, rowsToo),
  ]
    .join("\n")
    .concat("");
}

function cellText(behaviour: Behaviour, { id: client, wire }: Client, noteOf: (text: string) => string): string {
  const byText = new Map<string, ProviderId[]>();
  for (const provider of Object.keys(PROVIDERS) as ProviderId[]) {
    const cell: Cell = { client, wire, provider };
    const text = outcomeText(behaviour.outcome?.(cell) ?? "works", noteOf);
    byText.set(text, [...(byText.get(text) ?? []), provider]);
  }
  if (byText.size === 1) return [...byText.keys()][0]!;
  return [...byText].map(([text, by]) => `${text} ${by.map((id) => PROVIDERS[id].title).join(", ")}`).join("<br>");
}

function outcomeText(outcome: Outcome, noteOf: (text: string) => string): string {
  if (outcome === "works") return "✓";
  if ("dropped" in outcome) return `\`${outcome.dropped}\` dropped:`;
  if ("refused" in outcome) return `\`${outcome.refused}\` refused:`;
  return "except" in outcome ? `✓ (${noteOf(outcome.except)})` : `– (${noteOf(outcome.unsaid)})`;
}

function table(first: string, columns: readonly string[], rows: readonly string[]): string {
  return [line([first, ...columns]), line(["---", ...columns.map(() => "---")]), ...rows, ""].join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
