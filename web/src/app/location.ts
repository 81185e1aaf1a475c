import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useCallback } from "react";
import type { Search } from "./search.ts";

/** The page's query parameters and a way to change some of them. `undefined` removes a parameter. */
export function usePageSearch(): [Search, (change: Search, options?: { replace?: boolean }) => void] {
  const search = useRouterState({ select: (state) => state.location.search as Search });
  const navigate = useNavigate();
  const change = useCallback(
    (next: Search, options: { replace?: boolean } = {}) => {
      void navigate({
        to: ".",
        search: ((previous: Search) => ({ ...previous, ...next })) as never,
        replace: options.replace ?? false,
        resetScroll: false,
      });
    },
    [navigate],
  );
  return [search, change];
}
