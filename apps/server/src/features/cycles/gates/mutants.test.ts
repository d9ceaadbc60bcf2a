import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coverageOfChange, parseLcov } from "./coverage.ts";
import { mutantsOf, replacementsIn } from "./mutants.ts";

const all = (source: string): Set<number> => new Set(source.split("\n").map((_, index) => index + 1));
const mutants = (path: string, source: string, lines = all(source), most = 100) =>
  mutantsOf({ path, source }, replacementsIn(path, source), lines, most);
const changes = (path: string, source: string): string[] => mutants(path, source).map(({ to }) => to);

describe("mutants", () => {
  it("change one place of a line, in each language by its signs", () => {
    expect(changes("a.go", "if n <= 10 { total += n * 2 }")).toEqual([
      "if n <= 10 { total -= n * 2 }",
      "if n > 10 { total += n * 2 }",
      "if n <= 10 { total += n / 2 }",
      "if n <= 11 { total += n * 2 }",
      "if n <= 10 { total += n * 3 }",
    ]);
    expect(changes("a.py", "    return x and not y")).toEqual([
      "return x or not y",
      "return x and y",
      "return None if True else x and not y",
    ]);
    expect(changes("a.rs", "if a >= b {")).toEqual(["if a < b {"]);
    expect(changes("a.md", "a == b")).toEqual([]);
  });

  it("leave strings, comments and arrows alone", () => {
    expect(changes("a.java", 'String a = "x == y"; // true && false')).toEqual([]);
    expect(changes("a.rs", "x => x,")).toEqual([]);
    expect(changes("a.py", '"""\na == b\n"""')).toEqual([]);
  });

  it("are spread over the lines where there may be few", () => {
    const source = "a = b + c + d;\ne = f - g;\nh = i * j;";
    expect(mutants("a.go", source, all(source), 3).map(({ line }) => line)).toEqual([1, 2, 3]);
    expect(mutants("a.go", source, new Set([2]), 9).map(({ line }) => line)).toEqual([2]);
  });

  it("are of the line that they begin on, and shown on one line", () => {
    const source = "if (a) {\n  b();\n}\n";
    const block = { start: source.indexOf("{"), end: source.indexOf("}") + 1, to: "{}" };
    expect(mutantsOf({ path: "a.js", source }, [block], new Set([1]), 9)).toEqual([
      { path: "a.js", line: 1, from: "if (a) { b(); }", to: "if (a) {}", source: "if (a) {}\n" },
    ]);
    expect(mutantsOf({ path: "a.js", source }, [block], new Set([2]), 9)).toEqual([]);
  });

  it("differ from the source in their line alone, whatever the source is", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a + b", "x == 1", "'a", "/* ", "*/", "`", "\\", "#", "\n")),
        (parts) => {
          const source = parts.join(" ");
          for (const mutant of mutants("a.go", source)) {
            const [before, now] = [source.split("\n"), mutant.source.split("\n")];
            expect(now).toHaveLength(before.length);
            const other = before.flatMap((row, index) => (row === now[index] ? [] : [index + 1]));
            expect(other).toEqual([mutant.line]);
          }
        },
      ),
    );
  });
});

describe("coverage of a change", () => {
  const lcov = [
    "TN:",
    "SF:/work/tree/src/a.js",
    "DA:1,3",
    "DA:2,0",
    "DA:3,1",
    "end_of_record",
    "SF:./src/b.js",
    "DA:1,0",
    "end_of_record",
  ].join("\n");
  const file = (path: string, ...lines: [number, string][]) => ({
    path,
    before: path,
    isDeleted: false,
    added: lines.map(([line, text]) => ({ line, text })),
    removed: [],
  });

  it("counts changed lines of code that ran, and names what nobody measured", () => {
    const counts = parseLcov(lcov, "/work/tree");
    expect(
      coverageOfChange(counts, [
        file("src/a.js", [1, "a();"], [2, "b();"], [3, "// why"]),
        file("src/c.js", [1, "c();"]),
        file("test/a.test.js", [1, "d();"]),
        file("README.md", [1, "words"]),
      ]),
    ).toEqual({ covered: 1, lines: 2, missed: [{ path: "src/a.js", line: 2 }], not_measured: ["src/c.js"] });
    expect(coverageOfChange(counts, [file("src/b.js", [1, "a();"])])?.covered).toBe(0);
  });

  it("is no figure where none of it was measured", () => {
    expect(coverageOfChange(parseLcov("", "/"), [file("src/a.js", [1, "a();"])])).toBeNull();
    expect(coverageOfChange(parseLcov(lcov, "/work/tree"), [])).toBeNull();
  });
});
