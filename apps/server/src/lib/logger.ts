import { type Logger, pino } from "pino";

export type { Logger };

/** JSON lines on stderr; standard output belongs to what a person reads. */
export const createLogger = (level: string): Logger =>
  pino(
    {
      level,
      redact: {
        paths: ["*.token", "*.authorization", "*.cookie", "*.password", "*.api_token_hash", "token"],
        censor: "[redacted]",
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
