// Reads a document from standard input and writes its text to standard output. It runs in the sandbox: documents come from
// anywhere, and both formats can be made to take any time and memory. Exit code 3: it is encrypted.
import { buffer } from "node:stream/consumers";

/** @type {Record<string, (bytes: Buffer) => Promise<string>>} */
const readers = {
  async pdf(bytes) {
    const { extractText, getDocumentProxy } = await import("unpdf");
    const document = await getDocumentProxy(new Uint8Array(bytes));
    const { text } = await extractText(document, { mergePages: false });
    if (text.every((page) => page.trim() === "")) return "";
    return text.map((page, at) => page.trim() || `[page ${at + 1} holds no text]`).join("\n\n");
  },
  async docx(bytes) {
    const { default: mammoth } = await import("mammoth");
    // Headings, lists, tables, notes, comments and what is struck out are told apart in HTML alone; pictures are left out.
    const options = {
      styleMap: ["comment-reference => sup", "strike => s"],
      convertImage: mammoth.images.imgElement(() => Promise.resolve({ src: "" })),
    };
    const { value } = await mammoth.convertToHtml({ buffer: bytes }, options);
    return plain(value);
  },
};

/** HTML of a document as plain text: a line for each block, cells apart, what is struck out marked. */
function plain(html) {
  const entities = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: " " };
  return html
    .replaceAll(/<(?:br|img)[^>]*>/g, (tag) => (tag.startsWith("<br") ? "\n" : ""))
    .replaceAll(/<\/p>(?=(?:<p>|<\/t[dh]>))/g, " ")
    .replaceAll(/<li[^>]*>/g, "\n- ")
    .replaceAll(/<\/t[dh]>/g, " | ")
    .replaceAll(/<h([1-6])[^>]*>/g, (_, level) => `\n${"#".repeat(Number(level))} `)
    .replaceAll(/<\/(?:p|h[1-6]|tr|table|ol|ul|dd|dt)>/g, "\n")
    .replaceAll(/<\/?s>/g, "~~")
    .replaceAll(/<[^>]+>/g, "")
    .replaceAll(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name) => entities[name])
    .replaceAll(/ +\|/g, " |")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

const [kind = ""] = process.argv.slice(2);
const read = readers[kind];
if (read === undefined) throw new Error(`no reader for ${kind}`);
try {
  process.stdout.write(await read(await buffer(process.stdin)));
} catch (error) {
  process.stderr.write(error instanceof Error ? `${error.name}: ${error.message}\n` : "unreadable\n");
  process.exitCode = error instanceof Error && error.name === "PasswordException" ? 3 : 1;
}
