import { useEffect, useState } from "react";
import { formatDateTime } from "../time/format.ts";
import { describeRange, isRelative, parseTime, type RawRange } from "../time/range.ts";
import { Icon } from "./icon.tsx";
import { Popover } from "./popover.tsx";

const QUICK_RANGES: [string, RawRange][] = (
  [
    ["Last 5 minutes", "now-5m"],
    ["Last 15 minutes", "now-15m"],
    ["Last 30 minutes", "now-30m"],
    ["Last 1 hour", "now-1h"],
    ["Last 3 hours", "now-3h"],
    ["Last 6 hours", "now-6h"],
    ["Last 12 hours", "now-12h"],
    ["Last 24 hours", "now-24h"],
    ["Last 2 days", "now-2d"],
    ["Last 7 days", "now-7d"],
    ["Last 30 days", "now-30d"],
  ] as const
).map(([name, from]) => [name, { from, to: "now" }]);
QUICK_RANGES.push(["Today", { from: "now/d", to: "now/d" }], ["Yesterday", { from: "now-1d/d", to: "now-1d/d" }]);

interface TimeRangePickerProps {
  raw: RawRange;
  timeZone: string;
  onChange: (raw: RawRange) => void;
}

/** The range button with quick ranges and a form for exact ends, and the buttons that shift and widen it. */
export function TimeRangePicker({ raw, timeZone, onChange }: TimeRangePickerProps) {
  const shift = (direction: -1 | 1) => {
    const now = Date.now();
    const fromMs = parseTime(raw.from, now);
    const toMs = parseTime(raw.to, now, true);
    const half = ((toMs - fromMs) / 2) * direction;
    onChange({ from: String(Math.round(fromMs + half)), to: String(Math.round(toMs + half)) });
  };
  const zoomOut = () => {
    const now = Date.now();
    const fromMs = parseTime(raw.from, now);
    const toMs = parseTime(raw.to, now, true);
    const half = (toMs - fromMs) / 2;
    onChange({ from: String(Math.round(fromMs - half)), to: String(Math.round(toMs + half)) });
  };
  return (
    <div className="button-group">
      {!isRelative(raw) && (
        <button type="button" className="tool-button" title="Move the range back" onClick={() => shift(-1)}>
          <Icon name="chevronLeft" />
        </button>
      )}
      <Popover
        align="right"
        button={({ toggle, open }) => (
          <button
            type="button"
            className="tool-button time-button"
            aria-expanded={open}
            onClick={toggle}
            title="Time range"
          >
            <Icon name="clock" />
            <span>{describeRange(raw, (ms) => formatDateTime(ms, timeZone))}</span>
            <Icon name="chevronDown" size={14} />
          </button>
        )}
      >
        {(close) => (
          <RangeForm
            raw={raw}
            timeZone={timeZone}
            onChange={(next) => {
              onChange(next);
              close();
            }}
          />
        )}
      </Popover>
      {!isRelative(raw) && (
        <button type="button" className="tool-button" title="Move the range forward" onClick={() => shift(1)}>
          <Icon name="chevronRight" />
        </button>
      )}
      <button type="button" className="tool-button" title="Zoom out" onClick={zoomOut}>
        <Icon name="zoomOut" />
      </button>
    </div>
  );
}

function RangeForm({ raw, timeZone, onChange }: TimeRangePickerProps) {
  const shown = (text: string) =>
    text.startsWith("now") ? text : formatDateTime(parseTime(text, Date.now()), timeZone);
  const [from, setFrom] = useState(shown(raw.from));
  const [to, setTo] = useState(shown(raw.to));
  const parse = (text: string) => (text.trim().startsWith("now") ? text.trim() : String(parseTime(text, Date.now())));
  return (
    <div className="range-form">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onChange({ from: parse(from), to: parse(to) });
        }}
      >
        <label>
          From
          <input value={from} onChange={(event) => setFrom(event.target.value)} spellCheck={false} />
        </label>
        <label>
          To
          <input value={to} onChange={(event) => setTo(event.target.value)} spellCheck={false} />
        </label>
        <button type="submit" className="button primary">
          Apply time range
        </button>
        <p className="hint">now-1h, now/d, or 2026-01-31 13:45:00</p>
      </form>
      <ul className="quick-ranges">
        {QUICK_RANGES.map(([name, range]) => (
          <li key={name}>
            <button
              type="button"
              className={range.from === raw.from && range.to === raw.to ? "chosen" : ""}
              onClick={() => onChange(range)}
            >
              {name}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface RefreshPickerProps {
  interval: string;
  intervals: readonly string[];
  onChange: (interval: string) => void;
  onRefresh: () => void;
}

/** Refresh now, or every so often. */
export function RefreshPicker({ interval, intervals, onChange, onRefresh }: RefreshPickerProps) {
  const [spinning, setSpinning] = useState(false);
  useEffect(() => {
    if (!spinning) return;
    const timer = setTimeout(() => setSpinning(false), 600);
    return () => clearTimeout(timer);
  }, [spinning]);
  return (
    <div className="button-group">
      <button
        type="button"
        className="tool-button"
        title="Refresh"
        onClick={() => {
          setSpinning(true);
          onRefresh();
        }}
      >
        <span className={spinning ? "spin" : ""}>
          <Icon name="refresh" />
        </span>
      </button>
      <Popover
        align="right"
        button={({ toggle, open }) => (
          <button type="button" className="tool-button" aria-expanded={open} onClick={toggle} title="Refresh interval">
            {interval !== "" && <span>{interval}</span>}
            <Icon name="chevronDown" size={14} />
          </button>
        )}
      >
        {(close) => (
          <div className="menu">
            {["", ...intervals].map((one) => (
              <button
                key={one}
                type="button"
                className={one === interval ? "chosen" : ""}
                onClick={() => {
                  onChange(one);
                  close();
                }}
              >
                {one === "" ? "Off" : one}
              </button>
            ))}
          </div>
        )}
      </Popover>
    </div>
  );
}
