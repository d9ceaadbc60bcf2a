import { callOnce, keepSession } from "../../api.ts";
import { codeOf } from "../../problems.ts";

/** Ends the session, also one that another tab has reopened; one that has ended is ended. */
export async function endSession(): Promise<void> {
  try {
    await callOnce("deleteSession");
  } catch (error) {
    const code = codeOf(error);
    if (code === "unauthenticated") return;
    if (code !== "csrf_required") throw error;
    keepSession(await callOnce("getSession"));
    await callOnce("deleteSession");
  }
}
