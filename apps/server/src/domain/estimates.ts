/** How tokens are guessed where nobody counts them: about four bytes of text are one. */
export const estimateTokens = (bytes: number): number => Math.ceil(bytes / 4);
