import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./app/queries.ts";
import { router } from "./app/router.tsx";
import { ThemeProvider } from "./app/theme.tsx";
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/dashboard.css";
import "./styles/panels.css";
import "./styles/logs-traces.css";
import "./styles/pages.css";

const root = document.getElementById("root");
if (root === null) throw new Error("cannot start: index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <ThemeProvider>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </ThemeProvider>
  </StrictMode>,
);
