import type { ForgeConfig } from "../../domain/forge.ts";

type Host = Pick<ForgeConfig, "provider" | "url">;

const publicHosts = { github: "https://github.com", gitlab: "https://gitlab.com" };

/** `https://host[:port]`, as people and git reach the forge. */
export const forgeOrigin = ({ provider, url }: Host): string =>
  url === undefined || url.startsWith("https://api.github.com") ? publicHosts[provider] : new URL(url).origin;

/**
 * `owner/name` of the repository that git knows at an address; null for an address of another host than the forge's, or of no
 * repository. Port and scheme count for http(s) addresses; an SSH server may listen on any port of the host. Pure.
 */
export function projectAt(address: string, forge: Host): string | null {
  const origin = new URL(forgeOrigin(forge));
  const path = pathOn(origin, address);
  if (path === null) return null;
  const project = path
    .replace(/^\/+/, "")
    .replace(/\/+$/, "")
    .replace(/\.git$/, "");
  const parts = project.split("/");
  const isProject = parts.every((part) => /^(?!\.)[\w.-]+$/.test(part));
  const fits = forge.provider === "github" ? parts.length === 2 : parts.length >= 2;
  return isProject && fits ? project : null;
}

function pathOn(origin: URL, address: string): string | null {
  const short = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/)(.+)$/.exec(address);
  if (short !== null) return short[1]?.toLowerCase() === origin.hostname ? (short[2] ?? null) : null;
  const url = URL.parse(address);
  if (url === null) return null;
  const isThere = url.protocol === "ssh:" ? url.hostname === origin.hostname : url.origin === origin.origin;
  return isThere ? url.pathname : null;
}
