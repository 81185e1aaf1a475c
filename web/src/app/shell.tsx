import { Link, Outlet, useRouter, useRouterState } from "@tanstack/react-router";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { createPortal } from "react-dom";
import { Icon } from "../ui/icon.tsx";
import { usePageSearch } from "./location.ts";
import { useServerInfo } from "./queries.ts";
import { useTheme } from "./theme.tsx";

/** Where pages put their own controls in the top bar. */
const BarSlotContext = createContext<{ left: HTMLElement | null; right: HTMLElement | null }>({
  left: null,
  right: null,
});

/** Draws its children inside the top bar: `left` after the navigation, `right` at its end. */
export function BarSlot({ side, children }: { side: "left" | "right"; children: ReactNode }) {
  const target = useContext(BarSlotContext)[side];
  return target === null ? null : createPortal(children, target);
}

/** The frame of every page: top bar and content. */
export function Shell() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [left, setLeft] = useState<HTMLElement | null>(null);
  const [right, setRight] = useState<HTMLElement | null>(null);
  useInPageLinks();
  if (path === "/login") return <Outlet />;
  return (
    <BarSlotContext.Provider value={{ left, right }}>
      <header className="top-bar">
        <Link to="/" className="brand" aria-label="GatewayZ start page">
          <Logo />
          <span>GatewayZ</span>
        </Link>
        <nav className="top-nav" aria-label="Pages">
          <Link to="/dashboards" className={path.startsWith("/d") ? "active" : ""} title="Dashboards">
            <Icon name="dashboards" />
            <span>Dashboards</span>
          </Link>
          <Link to="/explore" className={path.startsWith("/explore") ? "active" : ""} title="Explore">
            <Icon name="explore" />
            <span>Explore</span>
          </Link>
        </nav>
        <div className="bar-slot bar-slot-left" ref={setLeft} />
        <div className="bar-slot bar-slot-right" ref={setRight} />
        <ModeBadge />
        <LogOutLink />
        <ThemeButton />
      </header>
      <main className="content">
        <Outlet />
      </main>
    </BarSlotContext.Provider>
  );
}

/** Follows plain links to our own pages without loading the app again, whoever drew them. */
function useInPageLinks(): void {
  const router = useRouter();
  useEffect(() => {
    const onClick = (event: MouseEvent) => {
      if (
        event.defaultPrevented ||
        event.button !== 0 ||
        event.metaKey ||
        event.ctrlKey ||
        event.shiftKey ||
        event.altKey
      )
        return;
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      if (
        link === null ||
        link.target !== "" ||
        link.hasAttribute("download") ||
        link.origin !== window.location.origin
      )
        return;
      if (!/^\/($|d\/|dashboards|explore)/.test(link.pathname)) return;
      event.preventDefault();
      router.history.push(link.pathname + link.search + link.hash);
    };
    document.addEventListener("click", onClick);
    return () => document.removeEventListener("click", onClick);
  }, [router]);
}

function Logo() {
  return (
    <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" className="logo-ground" />
      <path
        d="M8 9h16L12 23h12"
        fill="none"
        className="logo-mark"
        strokeWidth="3.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

function ModeBadge() {
  const { data } = useServerInfo();
  if (data?.mode !== "demo") return null;
  return (
    <span className="badge badge-demo" title="No provider is configured: the built-in simulator answers.">
      demo
    </span>
  );
}

/** Only where a password was asked for is there something to leave. */
function LogOutLink() {
  const { data } = useServerInfo();
  if (data === undefined || data.mode === "demo") return null;
  return (
    <a className="icon-button" href="/logout" title="Log out">
      <Icon name="logout" />
    </a>
  );
}

function ThemeButton() {
  const { name, set } = useTheme();
  const [search, changeSearch] = usePageSearch();
  const next = name === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      className="icon-button"
      title={`Use the ${next} theme`}
      onClick={() => {
        set(next);
        // An address that names a theme would bring it back with the next reload.
        if (search["theme"] !== undefined) changeSearch({ theme: next }, { replace: true });
      }}
    >
      <Icon name={name === "dark" ? "sun" : "moon"} />
    </button>
  );
}
