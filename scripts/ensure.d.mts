/** Builds the server where its sources have not been built yet. Returns the folder of the build. */
export function ensureServerBuilt(): string;
