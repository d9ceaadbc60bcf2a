import { execFile } from "node:child_process";
import { realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, delimiter, dirname, isAbsolute, join } from "node:path";
import { type Text, text } from "@ciclo/contract";
import type { SandboxMode, SandboxState } from "../domain/servers.ts";
import { exists } from "./files.ts";
import { installation } from "./places.ts";
import { findProgram } from "./programs.ts";

/** What a program may touch within the sandbox. The rest of the file system is there to read. */
export type SandboxRules = {
  /** Where it starts: its own folder, even below a hidden one. */
  folder: string | null;
  /** Files and folders that it may write to, at their own paths. */
  writable: readonly string[];
  /** Files and folders that are not there for it, even below a writable one. */
  hidden: readonly string[];
  /** Files and folders that it may read and not change, even below a hidden one; and such that it may write to. */
  readable?: readonly string[];
  own?: readonly string[];
  network: "host" | "none";
};

export type CommandLine = { command: string; args: readonly string[] };

/**
 * The one sandbox for programs that the console starts but did not write: bubblewrap. A program in it sees no process
 * but its own, writes nowhere but where it may, holds no privilege, and ends with the console.
 */
export type Sandbox = {
  /** `required`: without it no program of a server runs. `off`: the operator does without. */
  mode: SandboxMode;
  state(): Promise<SandboxState>;
  /** The command line that runs another within the sandbox. Only where the state says that there is one. */
  wrap(line: CommandLine, rules: SandboxRules): Promise<CommandLine>;
};

/** Where people keep credentials in their home, beside what programs need of it. */
const credentialPlaces = [
  ".ssh",
  ".gnupg",
  ".aws",
  ".azure",
  ".kube",
  ".docker",
  ".oci",
  ".config/gcloud",
  ".config/gh",
  ".config/hub",
  ".netrc",
  ".git-credentials",
  ".config/git/credentials",
  ".pgpass",
  ".my.cnf",
  ".vault-token",
  ".password-store",
  ".local/share/keyrings",
  ".mozilla",
  ".config/google-chrome",
  ".config/chromium",
  ".bash_history",
  ".zsh_history",
];
/** Of `/run`, which holds the sockets of whatever else runs: what names are resolved by, and where NixOS has its programs. */
const keptOfRun = [
  "/run/systemd/resolve",
  "/run/resolvconf",
  "/run/NetworkManager",
  "/run/current-system",
  "/run/wrappers",
];
/** Of these a program has its own, empty at first: other people's files and sockets are in them. */
const ownOf = ["/tmp", "/var/tmp", "/run"];
const probeMs = 10_000;
/** How long an answer that there is none is good: somebody may be installing it. */
const againMs = 30_000;

/**
 * @param ownPath the console's own PATH, where bubblewrap is looked for
 * @param path where programs are that run in it
 */
export function openSandbox(ownPath: string, mode: SandboxMode = "auto", path = ownPath): Sandbox {
  let asked: { at: number; state: Promise<SandboxState> } | null = null;
  let program = "";
  const probe = async (): Promise<SandboxState> => {
    if (mode === "off") return { available: false, why: switchedOff };
    if (process.platform !== "linux") return { available: false, why: notLinux };
    const found = await findProgram("bwrap", ownPath);
    if (found === null) return { available: false, why: notInstalled };
    program = found;
    const said = await tryOut(found);
    return said === null ? { available: true } : { available: false, why: notWorking(said) };
  };
  return {
    mode,
    async state() {
      if (asked === null || Date.now() - asked.at > againMs) {
        const state = probe();
        asked = { at: Date.now(), state };
        // What works once goes on working.
        if ((await state).available) asked.at = Infinity;
      }
      return asked.state;
    },
    async wrap(line, rules) {
      return {
        command: program,
        args: [...(await argumentsFor(rules, path)), "--", line.command, ...line.args],
      };
    },
  };
}

/** Where programs are that lie in a place that is hidden: the console's own installation, and what is on the PATH. */
const programFolders = (path: string): string[] => {
  // `<prefix>/bin` and `node_modules/.bin` hold links to what lies beside them.
  const prefixes = path
    .split(delimiter)
    .map((folder) => (/^\.?s?bin$/.test(basename(folder)) ? dirname(folder) : folder));
  return [installation, ...prefixes].filter((folder) =>
    ownOf.some((place) => folder.startsWith(`${place}/`)),
  );
};

/** Settings of the machine in /proc: a program of a console that runs as root owns them, without any capability. */
const kernelSettings = ["sys", "fs", "bus", "irq", "acpi", "scsi", "pressure", "mtrr", "sysrq-trigger"];

async function argumentsFor(
  { folder, writable, hidden, readable = [], own: places = [], network }: SandboxRules,
  path: string,
): Promise<string[]> {
  const credentials = credentialPlaces.map((place) => join(homedir(), place));
  const out = await Promise.all([...credentials, ...hidden].map(hide));
  const own = folder === null ? null : await realpath(folder);
  const shared = await Promise.all(writable.map((place) => realpath(place)));
  const shown = await Promise.all(readable.map((place) => realpath(place)));
  const kept = await Promise.all(places.map((place) => realpath(place)));
  const base = "--unshare-all --die-with-parent --cap-drop ALL --ro-bind / / --dev /dev --proc /proc";
  return [
    ...base.split(" "),
    ...kernelSettings.flatMap((name) => ["--ro-bind-try", `/proc/${name}`, `/proc/${name}`]),
    ...(network === "host" ? ["--share-net"] : []),
    ...ownOf.flatMap((place) => ["--tmpfs", place]),
    ...[...keptOfRun, ...programFolders(path)].flatMap((place) => ["--ro-bind-try", place, place]),
    ...shared.flatMap((place) => ["--bind", place, place]),
    ...out.flat(),
    ...shown.flatMap((place) => ["--ro-bind", place, place]),
    ...kept.flatMap((place) => ["--bind", place, place]),
    ...(own === null ? [] : ["--bind", own, own, "--chdir", own]),
  ];
}

/** An empty folder, or an empty file, in the place of one that is there. */
async function hide(place: string): Promise<string[]> {
  if (!isAbsolute(place) || !(await exists(place))) return [];
  const real = await realpath(place);
  return (await stat(real)).isDirectory() ? ["--tmpfs", real] : ["--ro-bind", "/dev/null", real];
}

/** Runs nothing within the sandbox. Null when that went well, else what was said. */
async function tryOut(program: string): Promise<string | null> {
  const args = [
    ...(await argumentsFor({ folder: null, writable: [], hidden: [], network: "host" }, "")),
    "--",
    program,
    "--version",
  ];
  const { promise, resolve } = Promise.withResolvers<string | null>();
  execFile(program, args, { timeout: probeMs, killSignal: "SIGKILL", env: {} }, (error, _, stderr) =>
    resolve(error === null ? null : stderr.trim().split("\n").at(-1) || error.message),
  );
  return promise;
}

const switchedOff = text("CICLO_SANDBOX is off", "CICLO_SANDBOX está desligada");
const notLinux = text(
  "the sandbox needs Linux: run the console there, in a container say",
  "a sandbox precisa de Linux: execute a console nele, em um contêiner por exemplo",
);
const notInstalled = text(
  "bubblewrap is not installed: apt-get install bubblewrap (Debian, Ubuntu), dnf install bubblewrap (Fedora), apk add bubblewrap (Alpine)",
  "o bubblewrap não está instalado: apt-get install bubblewrap (Debian, Ubuntu), dnf install bubblewrap (Fedora), apk add bubblewrap (Alpine)",
);
const notWorking = (said: string): Text =>
  text(
    `bubblewrap does not work here (${said.slice(0, 200)}). It needs user namespaces: allow them for bwrap, or give the container the right to make them`,
    `o bubblewrap não funciona aqui (${said.slice(0, 200)}). Ele precisa de namespaces de usuário: permita-os ao bwrap ou dê ao contêiner o direito de criá-los`,
  );
