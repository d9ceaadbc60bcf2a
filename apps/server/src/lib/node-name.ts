import { hostname } from "node:os";
import { sha256 } from "./crypto.ts";

/** What a node is called, after a restart too: no two consoles share a folder. */
export const nodeName = (home: string): string => sha256(`${hostname()}:${home}`).slice(0, 32);
