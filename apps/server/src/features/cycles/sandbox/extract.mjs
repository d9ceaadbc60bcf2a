// Reads a document from standard input and writes its text to standard output. It runs in the sandbox: documents come from
// anywhere, and both formats can be made to take any time and memory. Exit code 3: it is encrypted.
import { buffer } from "node:stream/consumers";

/** @type {Record<string, (bytes: Buffer) => Promise<string>>} */
const readers = {
  async pdf(bytes) {
    const { extractText, getDocumentProxy } = await import("unpdf");
    const document = await getDocumentProxy(new Uint8Array(bytes));
    const { text } = await extractText(document, { mergePages: false });
    return text.map((page) => page.trim()).join("\n\n");
  },
  async docx(bytes) {
    const { default: mammoth } = await import("mammoth");
    const { value } = await mammoth.extractRawText({ buffer: bytes });
    return value;
  },
};

const [kind = ""] = process.argv.slice(2);
const read = readers[kind];
if (read === undefined) throw new Error(`no reader for ${kind}`);
try {
  process.stdout.write(await read(await buffer(process.stdin)));
} catch (error) {
  process.stderr.write(error instanceof Error ? `${error.name}: ${error.message}\n` : "unreadable\n");
  process.exitCode = error instanceof Error && error.name === "PasswordException" ? 3 : 1;
}
