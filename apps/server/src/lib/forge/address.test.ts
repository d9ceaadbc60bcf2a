import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { projectAt } from "./address.ts";

const gitHub = { provider: "github", url: undefined } as const;
const enterprise = { provider: "github", url: "https://ghe.corp:8443/api/v3" } as const;
const gitLab = { provider: "gitlab", url: "https://git.corp" } as const;

describe("the repository of a forge at an address", () => {
  it.each([
    ["https://github.com/acme/shop.git", gitHub, "acme/shop"],
    ["https://github.com/acme/shop", gitHub, "acme/shop"],
    ["https://GitHub.com/acme/shop/", gitHub, "acme/shop"],
    ["git@github.com:acme/shop.git", gitHub, "acme/shop"],
    ["ssh://git@github.com/acme/shop.git", gitHub, "acme/shop"],
    ["https://ghe.corp:8443/acme/shop.git", enterprise, "acme/shop"],
    ["ssh://git@ghe.corp:2222/acme/shop.git", enterprise, "acme/shop"],
    ["https://git.corp/acme/team/shop.git", gitLab, "acme/team/shop"],
    ["git@git.corp:acme/team/shop.git", gitLab, "acme/team/shop"],
    // Of another host, scheme or port: the token is for none of them.
    ["https://github.com.example.com/acme/shop.git", gitHub, null],
    ["https://gitlab.com/acme/shop.git", gitHub, null],
    ["http://github.com/acme/shop.git", gitHub, null],
    ["https://ghe.corp/acme/shop.git", enterprise, null],
    ["git@example.com:github.com/shop.git", gitHub, null],
    // Of no repository.
    ["https://github.com/acme", gitHub, null],
    ["https://github.com/acme/team/shop.git", gitHub, null],
    ["https://git.corp/acme/../shop.git", gitLab, null],
    ["https://git.corp/acme/sh%2Fop.git", gitLab, null],
    ["/srv/git/acme/shop.git", gitHub, null],
    ["file:///srv/git/github.com/acme/shop.git", gitHub, null],
  ] as const)("%s", (address, forge, project) => {
    expect(projectAt(address, forge)).toBe(project);
  });

  it("is of the forge's host alone, whatever the address", () => {
    fc.assert(
      fc.property(fc.webUrl(), (address) => {
        expect(projectAt(address, { provider: "gitlab", url: "https://git.corp" })).toBeNull();
      }),
    );
  });
});
