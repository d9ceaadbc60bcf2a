import type { Cycle } from "@ciclo/contract";

const waits: Record<NonNullable<Cycle["waits_for"]>, string> = {
  forge: "waits for the forge",
  partial: "partly done, the agent broke off",
  decision: "waits for a decision",
  answers: "waits for answers",
  help: "waits for help",
};

/** A cycle on one line. */
export const line = ({
  id,
  state,
  stage,
  waits_for: wait,
  permissions_open: open,
  title,
  repository,
  replay,
}: Cycle): string =>
  [
    id,
    state === "running" && open > 0
      ? "the agent asks"
      : wait === null || state !== "waiting"
        ? state
        : waits[wait],
    stage,
    title,
    repository,
    ...(replay ? ["replay"] : []),
  ].join("  ");
