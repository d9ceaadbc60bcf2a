/** Lower case without accents, for comparing what people type. Length may change. */
export const fold = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** A name as policies compare names: without its case. */
export const foldedName = (name: string): string => name.normalize("NFKC").toLowerCase().trim();
