import { useEffect, useState } from "react";
import { Icon } from "../ui/icon.tsx";

/** The first request as a line to copy. */
export function FirstRequest({ gatewayUrl }: { gatewayUrl: string | undefined }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1_500);
    return () => clearTimeout(timer);
  }, [copied]);
  const base = (gatewayUrl ?? "http://127.0.0.1:8000").replace(/\/$/, "");
  const command = [
    `curl ${base}/v1/chat/completions \\`,
    '  -H "Authorization: Bearer $ADMIN_API_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'`,
  ].join("\n");
  return (
    <section className="home-box">
      <header>
        <h2>Send your first request</h2>
        <button
          type="button"
          className="button"
          onClick={() => {
            void navigator.clipboard?.writeText(command).then(() => setCopied(true));
          }}
        >
          <Icon name={copied ? "check" : "copy"} size={14} /> {copied ? "Copied" : "Copy"}
        </button>
      </header>
      <pre>{command}</pre>
      <p className="hint">
        The first start prints the key, or set ADMIN_API_KEY before it. Any OpenAI client works with base URL{" "}
        <code>{base}/v1</code>, any Anthropic client with <code>{base}</code>.
      </p>
    </section>
  );
}
