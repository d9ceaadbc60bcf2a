/** The end of a day in the browser's zone, as an instant. */
export const endOfDay = (day: string): string => new Date(`${day}T23:59:59`).toISOString();
