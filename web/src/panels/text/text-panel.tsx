import { useMemo } from "react";
import { renderTextPanelMarkdown, textUtil } from "../../grafana/data.ts";
import type { PanelProps } from "../types.ts";

/** Markdown or HTML written by a dashboard's author, made safe before it reaches the page. */
export function TextPanel({ panel, host }: PanelProps) {
  const { mode, content, code } = readText(panel.options);
  const filled = host.interpolate(content);
  const html = useMemo(
    () => (mode === "html" ? textUtil.sanitizeTextPanelContent(filled) : renderTextPanelMarkdown(filled)),
    [mode, filled],
  );
  if (mode === "code") {
    return (
      <pre className="text-code" data-language={code}>
        {filled}
      </pre>
    );
  }
  // biome-ignore lint/security/noDangerouslySetInnerHtml: both paths above sanitise (DOMPurify and xss in @grafana/data).
  return <div className="text-viz" dangerouslySetInnerHTML={{ __html: html }} />;
}

function readText(options: Record<string, unknown>): { mode: string; content: string; code: string } {
  return {
    mode: String(options["mode"] ?? "markdown"),
    content: String(options["content"] ?? ""),
    code: String((options["code"] as { language?: string } | undefined)?.language ?? "plaintext"),
  };
}
