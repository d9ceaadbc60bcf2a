import type { Operation } from "./operations.ts";

export const usageOperations = {
  getUsage: {
    method: "GET",
    path: "/usage",
    access: ["read"],
    tag: "usage",
    summary: "What calls of models and tools used and cost, grouped",
  },
  exportUsage: {
    method: "GET",
    path: "/usage/report.csv",
    access: ["read"],
    tag: "usage",
    summary: "The groups of the same report as CSV",
    stream: "text/csv",
  },
  exportUsagePage: {
    method: "GET",
    path: "/usage/report.html",
    access: ["read"],
    tag: "usage",
    summary: "The same report as one page that needs nothing else",
    stream: "text/html",
  },
  exportFocus: {
    method: "GET",
    path: "/usage/focus.csv",
    access: ["read"],
    tag: "usage",
    summary: "What is charged, by day, in the columns of FOCUS 1.3",
    stream: "text/csv",
  },
  reconcile: {
    method: "POST",
    path: "/usage/reconciliations",
    access: ["read"],
    tag: "usage",
    summary: "A provider's invoice beside the ledger: differences by model, and what may explain them",
  },
  reprice: {
    method: "POST",
    path: "/usage/reprice",
    access: ["decide"],
    tag: "usage",
    summary: "Give calls of a time the prices that hold now, on record; or say what that would change",
  },
  listBudgets: {
    method: "GET",
    path: "/usage/budgets",
    access: ["read"],
    tag: "usage",
    summary: "What is spent of each budget in its present period",
  },
  listRunPauses: {
    method: "GET",
    path: "/run-pauses",
    access: ["read"],
    tag: "usage",
    summary: "Runs that used up a budget and wait for a person, and what was decided lately",
  },
  decideRunPause: {
    method: "POST",
    path: "/run-pauses/{id}/decision",
    access: ["read"],
    tag: "usage",
    summary:
      "Let a paused run spend more, send its calls to another model, or stop it. An approver decides; whoever the run acts as may stop it",
  },
} as const satisfies Record<string, Operation>;
