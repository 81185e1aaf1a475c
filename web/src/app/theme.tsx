import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";

/** The two colour schemes. */
export type ThemeName = "dark" | "light";

const STORAGE_KEY = "gatewayz.theme";

interface ThemeState {
  name: ThemeName;
  set: (name: ThemeName) => void;
}

const ThemeContext = createContext<ThemeState>({ name: "dark", set: () => undefined });

/** The scheme of the page and a way to change it. */
export function useTheme(): ThemeState {
  return useContext(ThemeContext);
}

/** `?theme=` wins and is remembered for later pages; then what was chosen before; then dark. */
function initialTheme(): ThemeName {
  const asked = new URLSearchParams(window.location.search).get("theme");
  const name = asked ?? readStored();
  return name === "light" ? "light" : "dark";
}

function readStored(): string | null {
  try {
    return window.localStorage.getItem(STORAGE_KEY);
  } catch {
    // Storage may be forbidden; the default serves.
    return null;
  }
}

function store(name: ThemeName): void {
  try {
    window.localStorage.setItem(STORAGE_KEY, name);
  } catch {
    // As above: then the choice lasts for this page only.
  }
}

/** Keeps the scheme, on the root element for CSS and in context for canvases. */
export function ThemeProvider({ children }: { children: ReactNode }) {
  const [name, setName] = useState<ThemeName>(initialTheme);
  useEffect(() => {
    document.documentElement.dataset["theme"] = name;
  }, [name]);
  const state = useMemo(
    () => ({
      name,
      set: (next: ThemeName) => {
        store(next);
        setName(next);
      },
    }),
    [name],
  );
  return <ThemeContext.Provider value={state}>{children}</ThemeContext.Provider>;
}
