import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { verifyManifest } from "../../src/cli/manifest.ts";
import { sha256 } from "../../src/lib/crypto.ts";
import { ciclo } from "../support/cli.ts";
import { problemOf } from "../support/console.ts";
import { carriedThrough, cyclesConsole } from "../support/cycles/console.ts";
import { docxOf, docxWith, pdfWith, png } from "../support/documents.ts";
import { temporaryFolder } from "../support/temporary.ts";

const docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document" as const;
const file = <T extends string>(name: string, media_type: T, bytes: Buffer | string) => ({
  name,
  media_type,
  base64: Buffer.from(bytes).toString("base64"),
});

describe("what is attached to an issue", () => {
  it("is read for the analyst: text, Markdown, PDF, DOCX and pictures; and is named in the manifest", async () => {
    const console = await cyclesConsole();
    const { person, approver, repository, model } = console;
    const { id } = await person.client.call("startCycle", {
      body: {
        repository: repository.folder,
        issue: "# Sums are wrong",
        attachments: [
          file("notes.md", "text/markdown", "# Notas\n\nA soma é de dois números."),
          file("brief.pdf", "application/pdf", pdfWith("Totals of invoices are off by one")),
          file("letter.docx", docx, docxWith("The auditor expects four")),
          file("screen.png", "image/png", png),
        ],
      },
    });
    const ended = await carriedThrough(console, id);
    expect(ended.state).toBe("completed");
    const asked = JSON.stringify(
      model.asked.find(({ body }) => JSON.stringify(body).includes("You are the analyst"))?.body,
    );
    for (const said of [
      "A soma é de dois números.",
      "Totals of invoices are off by one",
      "The auditor expects four",
    ])
      expect(asked).toContain(said);
    expect(asked).toContain(png.toString("base64"));
    expect(ended.evidence.map(({ name }) => name)).toEqual(
      expect.arrayContaining(
        ["notes.md", "brief.pdf", "brief.pdf.txt", "letter.docx", "letter.docx.txt", "screen.png"].map(
          (name) => `attachments/${name}`,
        ),
      ),
    );
    const manifest = ended.evidence.find(({ name }) => name === "manifest.sigstore.json");
    const { base64 } = await approver.client.call("getCycleEvidence", {
      params: { id, sha256: manifest?.sha256 ?? "" },
    });
    const { public_key: key } = await approver.client.call("getCycleKey");
    const { predicate } = verifyManifest(Buffer.from(base64, "base64").toString("utf8"), key);
    expect(predicate.issue.attachments).toContainEqual({ name: "screen.png", sha256: sha256(png) });
  });

  it.each([
    ["a PDF that is none", file("a.pdf", "application/pdf", "Totals"), "a.pdf is no PDF file"],
    [
      "a PDF that is cut off",
      file("a.pdf", "application/pdf", pdfWith("Totals").subarray(0, 40)),
      "a.pdf cannot be read",
    ],
    ["a PDF without text", file("a.pdf", "application/pdf", pdfWith("")), "a.pdf holds no text"],
    ["a DOCX that is none", file("a.docx", docx, "PK"), "a.docx is no"],
    ["a picture that is none", file("a.png", "image/png", "<svg/>"), "a.png is no PNG file"],
    [
      "text that is none",
      file("a.txt", "text/plain", Buffer.from([0xff, 0xfe, 0x41, 0x00])),
      "a.txt is no UTF-8 text",
    ],
    ["text that is blank", file("a.txt", "text/plain", " \n"), "a.txt is empty"],
    [
      "longer than the analyst reads",
      file("a.txt", "text/plain", "x".repeat(60_001)),
      "a.txt holds 60001 characters",
    ],
    [
      "a Word file with a password",
      file("a.docx", docx, Buffer.from("d0cf11e0a1b11ae1", "hex")),
      "a.docx is encrypted",
    ],
    [
      "a credential in a name",
      file("ghp_0123456789abcdefghijABCDEFGHIJ012345.txt", "text/plain", "a"),
      "attachments.0",
    ],
    ["a name that leads elsewhere", file("../a.txt", "text/plain", "a"), "without its folder"],
    ["a credential", file("a.txt", "text/plain", "ghp_0123456789abcdefghijABCDEFGHIJ012345"), "attachments"],
  ])("is refused where it is %s, and nothing is started", async (_, attachment, says) => {
    const { person, approver, repository } = await cyclesConsole();
    const problem = await problemOf(
      person.client.call("startCycle", {
        body: { repository: repository.folder, issue: "# Sums", attachments: [attachment] },
      }),
    );
    expect(problem).toMatchObject({ code: "invalid_payload" });
    expect(JSON.stringify(problem)).toContain(says);
    expect((await approver.client.call("listCycles", { query: {} })).items).toEqual([]);
  });

  it("keeps of a DOCX what a reader sees: breaks, rows, lists, notes, and what is struck out", async () => {
    const { person, approver, repository } = await cyclesConsole();
    const cell = (words: string) => `<w:tc><w:p><w:r><w:t>${words}</w:t></w:r></w:p></w:tc>`;
    const body =
      "<w:p><w:r><w:t>first</w:t></w:r><w:r><w:br/><w:t>second</w:t></w:r></w:p>" +
      `<w:tbl><w:tr>${cell("Item")}${cell("Price")}</w:tr><w:tr>${cell("")}${cell("7.50")}</w:tr></w:tbl>` +
      "<w:p><w:r><w:rPr><w:strike/></w:rPr><w:t>old rule</w:t></w:r></w:p>";
    const { id } = await person.client.call("startCycle", {
      body: {
        repository: repository.folder,
        issue: "# Sums",
        attachments: [file("a.docx", docx, docxOf(body)), file("a.docx.md", "text/markdown", "beside it")],
      },
    });
    const { evidence } = await approver.client.call("getCycle", { params: { id } });
    const { sha256: hash = "" } = evidence.find(({ name }) => name === "attachments/a.docx.txt") ?? {};
    const { base64 } = await approver.client.call("getCycleEvidence", { params: { id, sha256: hash } });
    expect(
      Buffer.from(base64, "base64")
        .toString("utf8")
        .split("\n")
        .map((one) => one.trim()),
    ).toEqual(["first", "second", "Item | Price |", "| 7.50 |", "", "~~old rule~~"]);
  });

  describe("on the command line", () => {
    afterEach(() => {
      vi.unstubAllEnvs();
    });

    it("is a file by its ending", async () => {
      const { gateway, person, repository, approver } = await cyclesConsole();
      vi.stubEnv("CICLO_URL", gateway.url);
      vi.stubEnv("CICLO_TOKEN", person.token);
      const folder = await temporaryFolder();
      writeFileSync(join(folder, "brief.pdf"), pdfWith("Totals"));
      writeFileSync(join(folder, "app.exe"), "MZ");
      const start = ["cycle", "start", "--repo", repository.folder, "--issue", "Sums are wrong"];
      const refused = await ciclo(...start, "--attach", join(folder, "app.exe"));
      expect([refused.code, refused.err]).toEqual([
        2,
        expect.stringContaining("attach files that end in .txt"),
      ]);
      expect((await ciclo(...start, "--attach", join(folder, "brief.pdf"))).code).toBe(0);
      const [cycle] = (await approver.client.call("listCycles", { query: {} })).items;
      const { evidence } = await approver.client.call("getCycle", { params: { id: cycle?.id ?? "" } });
      expect(evidence.map(({ name }) => name)).toEqual([
        "attachments/brief.pdf",
        "attachments/brief.pdf.txt",
      ]);
    });
  });
});
