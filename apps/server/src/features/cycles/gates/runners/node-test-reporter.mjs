const longest = 10_000;

/** Reports each test of Node's runner as a line of JSON, with its file and the names of the suites that it is in. */
export default async function* report(source) {
  const open = new Map();
  /**
   * What each file wrote to its standard error: why it could not be loaded is said nowhere else. Node 26.10 names the file
   * otherwise there, as the test is named that stands for it.
   */
  const said = new Map();
  for await (const { type, data } of source) {
    if (type === "test:start") {
      const names = open.get(data.file) ?? [];
      names.length = data.nesting;
      names[data.nesting] = data.name;
      open.set(data.file, names);
    }
    if (type === "test:stderr")
      said.set(data.file, `${said.get(data.file) ?? ""}${data.message}`.slice(0, longest));
    if (type !== "test:pass" && type !== "test:fail") continue;
    const names = [...(open.get(data.file) ?? []).slice(0, data.nesting), data.name];
    const cause = data.details?.error?.cause ?? data.details?.error;
    const state =
      data.todo !== undefined && data.todo !== false
        ? "todo"
        : data.skip !== undefined && data.skip !== false
          ? "skipped"
          : type === "test:pass"
            ? "passed"
            : "failed";
    yield `${JSON.stringify({
      file: data.file ?? null,
      names: names.map((name) => name ?? ""),
      kind: data.details?.type === "suite" ? "suite" : "test",
      state,
      code: cause?.code ?? null,
      failureType: data.details?.error?.failureType ?? null,
      error: type === "test:fail" ? String(cause?.stack ?? cause?.message ?? cause ?? "") : null,
      said:
        type === "test:fail" && data.nesting === 0
          ? (said.get(data.file) ?? said.get(data.name) ?? null)
          : null,
    })}\n`;
  }
}
