import fc from "fast-check";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";
import { expect, test } from "vitest";
import { showHidden } from "@ciclo/contract";
import { code, document, heading, inline, list, paragraphs, table } from "./markdown.ts";

/** As GitHub reads it. HTML of its own is let through, so that a text that made some would be seen. */
const html = (markdown: string): string =>
  micromark(markdown, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });

const escaped = (words: string): string =>
  words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Text that GitHub turns into a link, which leads where the text says. */
const isLinked = (words: string): boolean => /www\.|:\/\/|@|mailto:|xmpp:/i.test(words);

const marks = fc.string({ unit: fc.constantFrom(..."#*_-+=>`~|[]()!<&;:.1 \n\tab\\/\"'".split("")) });
const anyText = fc.oneof(marks, fc.string({ unit: "grapheme" })).filter((words) => words.trim() !== "");
const shown = (words: string): string => showHidden(words.replaceAll(/\s+/g, " ").trim());

test("a text of others is that text, whatever it is made of", () => {
  fc.assert(
    fc.property(anyText, (words) => {
      fc.pre(!isLinked(words));
      const says = escaped(shown(words));
      expect(html(heading(2, words))).toBe(`<h2>${says}</h2>`);
      expect(html(list([`**R1** ${inline(words)}`]))).toBe(
        `<ul>\n<li><strong>R1</strong> ${says}</li>\n</ul>`,
      );
      expect(html(table(["a"], [[`x ${inline(words)}`]]))).toContain(`<td>x ${says}</td>`);
    }),
  );
});

test("paragraphs of others are paragraphs, and begin no list, heading or block", () => {
  fc.assert(
    fc.property(fc.array(anyText, { minLength: 1, maxLength: 3 }), (parts) => {
      fc.pre(!parts.some(isLinked) && parts.every((part) => !/\n\s*\n/.test(part.trim())));
      expect(html(paragraphs(parts.join("\n\n")))).toBe(
        parts.map((part) => `<p>${escaped(shown(part))}</p>`).join("\n"),
      );
    }),
  );
});

test("a path is shown letter by letter", () => {
  fc.assert(
    fc.property(anyText, (words) => {
      const said = showHidden(words.replaceAll(/\s+/g, " "));
      // Of spaces at both ends of code CommonMark takes one away.
      const says = escaped(said).trim();
      expect(html(list([`a ${code(words)}`])).replaceAll(/<code> *(.*?) *<\/code>/g, "<code>$1</code>")).toBe(
        `<ul>\n<li>a <code>${says}</code></li>\n</ul>`,
      );
    }),
  );
});

test("what is empty leaves no gap", () => {
  expect(document("# a", null, "", "b")).toBe("# a\n\nb\n");
});
