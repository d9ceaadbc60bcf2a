/** What other programs may import. */
export { Refusal } from "./errors.ts";
export { hashToken } from "./lib/crypto.ts";
export { PlanExecutor, type PlanExecutorOptions } from "./plan-executor.ts";
