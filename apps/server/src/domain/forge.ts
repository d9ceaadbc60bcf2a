/** Where pull requests are made: GitHub or GitLab, and the token to act with. */
export type ForgeConfig = {
  provider: "github" | "gitlab";
  /** Of the API (GitHub Enterprise) or host (GitLab); undefined for the public one. */
  url: string | undefined;
  /** Where the configuration is; undefined where only cycles make pull requests. */
  repository: string | undefined;
  token: string;
  webhookSecret: string | undefined;
};
