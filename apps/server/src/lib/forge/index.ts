import type { ForgeConfig } from "../../domain/forge.ts";
import type { Clock } from "../clock.ts";
import type { Forge } from "./forge.ts";

/** A repository of the configured forge. Its library is loaded only when there is one. */
export async function createForge(config: ForgeConfig, repository: string, clock: Clock): Promise<Forge> {
  if (config.provider === "github") {
    const { createGitHub } = await import("./github.ts");
    return createGitHub(config, repository, clock);
  }
  const { createGitLab } = await import("./gitlab.ts");
  return createGitLab(config, repository, clock);
}
