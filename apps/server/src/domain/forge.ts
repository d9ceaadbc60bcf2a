/** Where pull requests are made: GitHub or GitLab, one repository, and the token to act with. */
export type ForgeConfig = {
  provider: "github" | "gitlab";
  /** Of the API (GitHub Enterprise) or host (GitLab); undefined for the public one. */
  url: string | undefined;
  repository: string;
  token: string;
  webhookSecret: string | undefined;
};
