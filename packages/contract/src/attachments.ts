/** What may be attached to an issue, by the ending of its name. */
export const attachmentEndings = {
  ".txt": "text/plain",
  ".log": "text/plain",
  ".csv": "text/plain",
  ".md": "text/markdown",
  ".markdown": "text/markdown",
  ".pdf": "application/pdf",
  ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".webp": "image/webp",
  ".gif": "image/gif",
} as const;
export type AttachmentType = (typeof attachmentEndings)[keyof typeof attachmentEndings];

/** What a file is, by its name; null for one that may not be attached. */
export function attachmentTypeOf(name: string): AttachmentType | null {
  const ending = /\.[a-z]+$/.exec(name.toLowerCase())?.[0];
  const known: Readonly<Record<string, AttachmentType>> = attachmentEndings;
  return ending !== undefined && Object.hasOwn(known, ending) ? (known[ending] ?? null) : null;
}
