import { createTheme, type GrafanaTheme2 } from "@grafana/data";
import type { ThemeName } from "../app/theme.tsx";

const themes = new Map<ThemeName, GrafanaTheme2>();

/** Grafana's theme object of that name: palette, named colours, contrast helpers. Built once per name. */
export function grafanaTheme(name: ThemeName): GrafanaTheme2 {
  const known = themes.get(name);
  if (known !== undefined) return known;
  const theme = createTheme({ colors: { mode: name } });
  themes.set(name, theme);
  return theme;
}
