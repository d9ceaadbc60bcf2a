import type { ForgeConfig } from "../../../domain/forge.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Forge } from "./forge.ts";

/** The configured forge. Its library is loaded only when there is one. */
export async function createForge(config: ForgeConfig, clock: Clock): Promise<Forge> {
  if (config.provider === "github") {
    const { createGitHub } = await import("./github.ts");
    return createGitHub(config, clock);
  }
  const { createGitLab } = await import("./gitlab.ts");
  return createGitLab(config, clock);
}
