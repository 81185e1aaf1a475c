import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { DataSource } from "../api/types.ts";
import { queryLanguage } from "./languages.ts";

interface QueryEditorProps {
  source: DataSource;
  value: string;
  onChange: (value: string) => void;
  onRun: () => void;
}

/** Colours come from the page's variables, so that both themes need one style. */
const highlight = HighlightStyle.define([
  { tag: tags.comment, color: "var(--text-faint)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--code-string)" },
  { tag: tags.number, color: "var(--code-number)" },
  { tag: tags.labelName, color: "var(--code-label)" },
  { tag: tags.namespace, color: "var(--code-label)" },
  { tag: tags.keyword, color: "var(--code-keyword)" },
  { tag: tags.modifier, color: "var(--code-keyword)" },
  { tag: tags.operatorKeyword, color: "var(--code-keyword)" },
  { tag: tags.function(tags.variableName), color: "var(--code-function)" },
  { tag: tags.atom, color: "var(--code-number)" },
  { tag: tags.variableName, color: "var(--text-strong)" },
  { tag: tags.invalid, color: "var(--error)" },
]);

const theme = EditorView.theme({
  "&": { fontSize: "13px", background: "var(--input)", border: "1px solid var(--border)", borderRadius: "4px" },
  "&.cm-focused": { outline: "none", borderColor: "var(--accent)" },
  ".cm-content": { fontFamily: "var(--mono)", padding: "7px 2px", caretColor: "var(--text-strong)" },
  ".cm-tooltip": {
    background: "var(--raised)",
    border: "1px solid var(--border-weak)",
    borderRadius: "4px",
    boxShadow: "var(--shadow)",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--chosen)", color: "var(--text-strong)" },
  ".cm-cursor": { borderLeftColor: "var(--text-strong)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--link) 30%, transparent)",
  },
});

/** A query editor with colours, completion and history; Shift+Enter or Ctrl+Enter runs the query. */
export function QueryEditor({ source, value, onChange, onRun }: QueryEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const language = useRef(new Compartment());
  const latest = useRef({ value, onChange, onRun, source });
  latest.current = { value, onChange, onRun, source };

  useEffect(() => {
    if (host.current === null) return;
    const run = () => {
      latest.current.onRun();
      return true;
    };
    const created = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          Prec.highest(
            keymap.of([
              { key: "Shift-Enter", run },
              { key: "Mod-Enter", run },
            ]),
          ),
          history(),
          closeBrackets(),
          bracketMatching(),
          autocompletion(),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "Query" }),
          placeholder("Enter a query; Shift+Enter runs it"),
          syntaxHighlighting(highlight),
          theme,
          language.current.of(queryLanguage(latest.current.source)),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = created;
    return () => {
      created.destroy();
      view.current = null;
    };
  }, []);

  useEffect(() => {
    view.current?.dispatch({ effects: language.current.reconfigure(queryLanguage(source)) });
  }, [source]);

  useEffect(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  return <div className="query-editor" ref={host} />;
}
