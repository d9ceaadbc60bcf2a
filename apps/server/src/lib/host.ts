import { type Config, inheritedEnvironment, passedEnvironment } from "../config.ts";
import { findProgram } from "./programs.ts";
import { openSandbox } from "./sandbox.ts";

/** What the console's machine is to the programs that it starts: their environment, their sandbox, and what they never see. */
export function openHost(config: Config) {
  const { PATH = "", ...locale } = inheritedEnvironment(["PATH", "LANG", "LC_ALL", "TZ"]);
  const path = config.serverPath ?? PATH;
  return {
    environment: { ...locale, ...passedEnvironment(), PATH: path },
    findProgram: (command: string) => findProgram(command, path),
    sandbox: openSandbox(PATH, config.sandbox, path),
    hidden: [config.home, config.masterKeyFile],
  };
}
