/** Text as every database keeps it: what is written is what is read back. PostgreSQL takes no NUL and no half character. */
export const storable = (value: string): string => value.toWellFormed().replaceAll("\0", "\uFFFD");
