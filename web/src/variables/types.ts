import type { DataSourceRef } from "../api/types.ts";

/** The value that stands for "every option". */
export const ALL_VALUE = "$__all";

export interface VariableOption {
  text: string;
  value: string;
}

export type VariableKind = "query" | "custom" | "textbox" | "constant" | "interval" | "datasource" | "adhoc" | "other";

/** A dashboard variable as the document declares it. */
export interface VariableModel {
  name: string;
  label: string;
  kind: VariableKind;
  /** 0 shown, 1 without label, 2 not shown at all. */
  hide: number;
  multi: boolean;
  includeAll: boolean;
  allValue: string | undefined;
  regex: string;
  sort: number;
  datasource: DataSourceRef;
  /** Kind-dependent: PromQL-like text, Loki's object, a comma list, or a constant. */
  query: unknown;
  /** Options stored in the document; the first source for kinds that need no query. */
  storedOptions: VariableOption[];
  current: string[];
}

/** A variable's state on an open page. */
export interface VariableState {
  model: VariableModel;
  options: VariableOption[];
  /** Chosen values; `[ALL_VALUE]` for all. */
  values: string[];
  error?: string;
}

/** Values that one panel or row adds over the page's variables (repeats, data links). */
export type ScopedValues = Readonly<Record<string, { value: unknown; text?: unknown } | undefined>>;
