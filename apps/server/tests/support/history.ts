import type { Database } from "../../src/db/dialect.ts";

/** A long history: so many changes, applied one a second. */
export async function insertChanges(database: Database, count: number): Promise<void> {
  await database.transaction(async (queries) => {
    for (let index = 0; index < count; index += 100) {
      const rows = Array.from({ length: 100 }, (_, offset) => changeRow(index + offset));
      await queries.insertInto("change_plans").values(rows).execute();
    }
  });
}

const changeRow = (index: number) => {
  const at = new Date(1.7e12 + index * 1000).toISOString();
  const id = `change-${String(index).padStart(7, "0")}`;
  return {
    id,
    plan_id: id,
    kind: "submission",
    thread_id: null,
    intent: "add_agent",
    summary: `Add agent ${index}`,
    actor: "history",
    actor_email: null,
    actor_id: null,
    mode: "branch_pr",
    status: "completed",
    outcome: "applied",
    branch: `ciclo/${id}`,
    base_branch: "main",
    base_commit: "0".repeat(40),
    commit_sha: "0".repeat(40),
    landed_sha: null,
    left_at: null,
    diff_stat: "",
    diff_patch: "x".repeat(500),
    risks: "[]",
    pull_request: null,
    metadata: "{}",
    created_at: at,
    updated_at: at,
  };
};
