import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { ProblemError } from "@ciclo/contract";
import { Tooltip } from "@base-ui/react/tooltip";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { preferredLocale, showLocale } from "./i18n.ts";
import { createConsoleRouter } from "./router.tsx";
import "./styles.css";
import { Toasts } from "./ui/toast.tsx";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // Events say when something changed; a refusal does not get better by asking again.
      staleTime: 30_000,
      retry: (failures, error) => !(error instanceof ProblemError) && failures < 1,
      retryDelay: 500,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});
const router = createConsoleRouter(queries);

/** A language first, then everything else. */
async function start(): Promise<void> {
  await showLocale(preferredLocale());
  const root = document.querySelector("#root");
  if (root === null) throw new Error("the page has no #root");
  createRoot(root).render(
    <StrictMode>
      <I18nProvider i18n={i18n}>
        <QueryClientProvider client={queries}>
          <Tooltip.Provider>
            <Toasts>
              <RouterProvider router={router} />
            </Toasts>
          </Tooltip.Provider>
        </QueryClientProvider>
      </I18nProvider>
    </StrictMode>,
  );
}

void start();
