import type { Git } from "../lib/git.ts";

/** Commits files to a branch of a bare repository, on top of what is there. */
export async function commitTo(
  git: Git,
  branch: string,
  { files, message, at }: { files: ReadonlyMap<string, string>; message: string; at: Date },
): Promise<void> {
  const ref = `refs/heads/${branch}`;
  const { code } = await git.run(["rev-parse", "--verify", "--quiet", ref], { accept: [1] });
  const data = (said: string): string => `data ${Buffer.byteLength(said)}\n${said}\n`;
  const input = [
    `commit ${ref}\n`,
    `committer Ciclo <ciclo@localhost> ${Math.floor(at.getTime() / 1000)} +0000\n`,
    data(message),
    ...(code === 0 ? [`from ${ref}^0\n`] : []),
    ...[...files].map(([path, contents]) => `M 100644 inline ${path}\n${data(contents)}`),
    "done\n",
  ].join("");
  await git.run(["fast-import", "--quiet", "--done"], { input });
}
