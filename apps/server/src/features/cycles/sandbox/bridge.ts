import { join } from "node:path";
import { serverFolder } from "../../../lib/places.ts";

const program = join(serverFolder, "src/features/cycles/sandbox/bridge.mjs");

/** The port of the sandbox's own loopback that leads to a socket of the console. */
export const bridgePort = 8787;

/** A command line that has a port of the sandbox lead to a socket while another command runs, and what it reads for that. */
export const bridged = (
  node: string,
  socket: string,
  { command, args }: { command: string; args: readonly string[] },
): { line: { command: string; args: string[] }; reads: string[] } => ({
  line: { command: node, args: [program, socket, String(bridgePort), command, ...args] },
  reads: [program, socket],
});
