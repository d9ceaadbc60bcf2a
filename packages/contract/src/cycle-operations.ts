import type { Operation } from "./operations.ts";

export const cycleOperations = {
  listCycles: {
    method: "GET",
    path: "/cycles",
    access: ["read"],
    tag: "cycles",
    summary: "Delivery cycles, newest first",
  },
  startCycle: {
    method: "POST",
    path: "/cycles",
    access: ["plan"],
    tag: "cycles",
    status: 201,
    summary: "Start a delivery cycle: from an issue to a reviewed change of a repository",
  },
  getCycle: {
    method: "GET",
    path: "/cycles/{id}",
    access: ["read"],
    tag: "cycles",
    summary: "One cycle with its artefacts, decisions, cost and history",
  },
  getCycleKey: {
    method: "GET",
    path: "/cycle-key",
    access: ["read"],
    tag: "cycles",
    summary: "The public key that manifests of cycles are signed with",
  },
  getCycleDiff: {
    method: "GET",
    path: "/cycles/{id}/diff",
    access: ["read"],
    tag: "cycles",
    summary: "What a cycle's work changes in the repository, as one unified diff",
  },
  getCycleEvidence: {
    method: "GET",
    path: "/cycles/{id}/evidence/{sha256}",
    access: ["read"],
    tag: "cycles",
    summary: "A log or recording of a cycle, by its hash",
  },
  decideCycle: {
    method: "POST",
    path: "/cycles/{id}/decision",
    access: ["decide"],
    tag: "cycles",
    summary: "Approve, reject or send back what a cycle waits with at a checkpoint",
  },
  answerCycle: {
    method: "POST",
    path: "/cycles/{id}/answers",
    access: ["plan", "decide"],
    tag: "cycles",
    summary: "Answer open questions of an analysis",
  },
  pauseCycle: {
    method: "POST",
    path: "/cycles/{id}/pause",
    access: ["plan", "decide"],
    tag: "cycles",
    summary: "Halt a cycle: what runs of it ends, and the stage begins again later",
  },
  resumeCycle: {
    method: "POST",
    path: "/cycles/{id}/resume",
    access: ["plan", "decide"],
    tag: "cycles",
    summary:
      "Let a cycle go on that was halted, or try again what failed; from an earlier stage where one is named",
  },
  cancelCycle: {
    method: "POST",
    path: "/cycles/{id}/cancel",
    access: ["plan", "decide"],
    tag: "cycles",
    summary: "End a cycle, and all that runs of it",
  },
} as const satisfies Record<string, Operation>;
