import { aptInstalls, runs } from "./apt.ts";

/** The sandbox of servers, which tests try as it is used. Throws one line where there is none. */
export function ensureBubblewrap(): void {
  const works = (): boolean => runs("bwrap", ["--version"]);
  if (works() || (aptInstalls("bubblewrap") && works())) return;
  throw new Error("Tests need bubblewrap: apt-get install bubblewrap (Debian, Ubuntu)");
}
