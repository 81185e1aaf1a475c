import { useEffect, useMemo, useState } from "react";
import { focusOnMount } from "../ui/focus.ts";
import { Icon } from "../ui/icon.tsx";
import { Popover } from "../ui/popover.tsx";
import { chosenTexts } from "../variables/interpolate.ts";
import { ALL_VALUE, type VariableState } from "../variables/types.ts";

/** Options shown at once; the search field finds the rest. */
const OPTIONS_SHOWN_MAX = 300;

interface VariableBarProps {
  variables: ReadonlyMap<string, VariableState>;
  onChange: (name: string, values: string[]) => void;
}

/** The row of controls for a dashboard's variables. */
export function VariableBar({ variables, onChange }: VariableBarProps) {
  const shown = [...variables.values()].filter(
    ({ model }) => model.hide !== 2 && !["constant", "adhoc", "other"].includes(model.kind),
  );
  if (shown.length === 0) return null;
  return (
    <div className="variable-bar">
      {shown.map((state) => (
        <div className="variable" key={state.model.name}>
          {state.model.hide !== 1 && <span className="variable-label">{state.model.label}</span>}
          {state.model.kind === "textbox" ? (
            <TextVariable state={state} onChange={(value) => onChange(state.model.name, [value])} />
          ) : (
            <ChoiceVariable state={state} onChange={(values) => onChange(state.model.name, values)} />
          )}
          {state.error !== undefined && (
            <span className="panel-warning" title={state.error}>
              <Icon name="warning" size={14} />
            </span>
          )}
        </div>
      ))}
    </div>
  );
}

function TextVariable({ state, onChange }: { state: VariableState; onChange: (value: string) => void }) {
  const current = state.values[0] ?? "";
  const [text, setText] = useState(current);
  useEffect(() => setText(current), [current]);
  return (
    <input
      className="variable-text"
      aria-label={state.model.label}
      value={text}
      placeholder="Enter value"
      onChange={(event) => setText(event.target.value)}
      onBlur={() => text !== current && onChange(text)}
      onKeyDown={(event) => event.key === "Enter" && onChange(text)}
    />
  );
}

function ChoiceVariable({ state, onChange }: { state: VariableState; onChange: (values: string[]) => void }) {
  const { model } = state;
  return (
    <Popover
      button={({ toggle, open }) => (
        <button
          type="button"
          className="variable-button"
          aria-expanded={open}
          aria-label={model.label}
          onClick={toggle}
        >
          <span>{chosenTexts(state).join(" + ") || "None"}</span>
          <Icon name="chevronDown" size={14} />
        </button>
      )}
    >
      {(close) => (
        <ChoiceList
          state={state}
          onChange={(values) => {
            onChange(values);
            if (!model.multi) close();
          }}
        />
      )}
    </Popover>
  );
}

function ChoiceList({ state, onChange }: { state: VariableState; onChange: (values: string[]) => void }) {
  const { model, options, values } = state;
  const [search, setSearch] = useState("");
  const matching = useMemo(() => {
    const wanted = search.toLowerCase();
    return options.filter((option) => option.value !== ALL_VALUE && option.text.toLowerCase().includes(wanted));
  }, [options, search]);
  const choose = (value: string) => {
    if (!model.multi || value === ALL_VALUE) return onChange([value]);
    const without = values.filter((one) => one !== ALL_VALUE && one !== value);
    const next = values.includes(value) ? without : [...without, value];
    onChange(next.length > 0 ? next : model.includeAll ? [ALL_VALUE] : [value]);
  };
  return (
    <div className="choice-list">
      <input
        ref={focusOnMount}
        placeholder="Search"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      <div className="choices">
        {model.includeAll && search === "" && (
          <Choice
            text="All"
            chosen={values.includes(ALL_VALUE)}
            multi={model.multi}
            onClick={() => choose(ALL_VALUE)}
          />
        )}
        {matching.slice(0, OPTIONS_SHOWN_MAX).map((option) => (
          <Choice
            key={option.value}
            text={option.text}
            chosen={values.includes(option.value)}
            multi={model.multi}
            onClick={() => choose(option.value)}
          />
        ))}
        {matching.length === 0 && <div className="hint">Nothing found</div>}
        {matching.length > OPTIONS_SHOWN_MAX && (
          <div className="hint">{matching.length - OPTIONS_SHOWN_MAX} more: search to find them</div>
        )}
      </div>
    </div>
  );
}

function Choice({
  text,
  chosen,
  multi,
  onClick,
}: {
  text: string;
  chosen: boolean;
  multi: boolean;
  onClick: () => void;
}) {
  return (
    <button type="button" className={`choice ${chosen ? "chosen" : ""}`} aria-pressed={chosen} onClick={onClick}>
      {multi && <span className="check">{chosen && <Icon name="check" size={12} />}</span>}
      {text === "" ? "(empty)" : text}
    </button>
  );
}
