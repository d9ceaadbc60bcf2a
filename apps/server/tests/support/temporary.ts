import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whenFileEnds } from "./closing.ts";

/** A folder that is gone when the test file has ended. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ciclo-test-"));
  whenFileEnds(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}
