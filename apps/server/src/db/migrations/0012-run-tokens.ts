import { type Builder, index, textTable } from "./builders.ts";

/** Short-lived tokens that call models and tools for a run. */
export const runTokens = {
  async up(db: Builder): Promise<void> {
    await textTable(
      db,
      "run_tokens",
      "token_hash id user_id run phase? pull_request? sprint? agent? created_at expires_at",
    )
      .addPrimaryKeyConstraint("run_tokens_pk", ["token_hash"])
      .addUniqueConstraint("run_tokens_id", ["id"])
      .execute();
    await index(db, "run_tokens", ["user_id"]);
  },
};
