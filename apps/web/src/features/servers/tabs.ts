/** Parts of a server's page, as they stand in its address. */
export const serverTabs = ["tools", "latency", "log", "client"] as const;
export type ServerTab = (typeof serverTabs)[number];
