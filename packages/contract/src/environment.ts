const words = (list: string): string[] => list.trim().split(/\s+/);

/**
 * Environment variables that a configured server never sets, whoever asks: loaders and interpreters' switches, where
 * programs look for code and for each other, proxies and certificates, and the console's own.
 * Sources: ld.so(8), and the manuals of node, npm, python, pip, uv, ruby, perl, java, dotnet, go, git, ssh, docker, bash, openssl, curl.
 */
const forbiddenNames = new Set(
  words(`
  PATH PATHEXT HOME USERPROFILE SHELL ENV IFS CDPATH PS4 SHELLOPTS BASHOPTS ZDOTDIR EDITOR VISUAL
  PAGER MANPAGER BROWSER LESSOPEN LESSCLOSE PROMPT_COMMAND TMPDIR TMP TEMP GCONV_PATH LOCPATH NLSPATH
  TERMINFO TERMCAP HOSTALIASES TZDIR RES_OPTIONS LOCALDOMAIN GETCONF_DIR GLIBC_TUNABLES VIRTUAL_ENV
  CLASSPATH JAVA_HOME _JAVA_OPTIONS JAVA_OPTS MAVEN_OPTS MAVEN_ARGS GRADLE_OPTS PHPRC PHP_INI_SCAN_DIR
  R_HOME R_LIBS R_PROFILE R_ENVIRON SSLKEYLOGFILE SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE
  HTTP_PROXY HTTPS_PROXY ALL_PROXY FTP_PROXY NO_PROXY WS_PROXY WSS_PROXY
`),
);
const forbiddenBeginnings = words(`
  LD_ DYLD_ _RLD LIBPATH MALLOC_ BASH_ XDG_ CICLO_ NODE_ V8_ NPM_CONFIG_ PNPM_ YARN_ COREPACK_ BUN_
  DENO_ TSX_ TS_NODE ELECTRON_ NVM_ VOLTA_ PYTHON PYENV_ PIP_ PIPX_ UV_ CONDA_ POETRY_ RUBY GEM_
  BUNDLE PERL LUA_ JAVA_TOOL_ JDK_ DOTNET_ CORECLR_ COMPLUS_ COR_ NUGET_ CARGO_ RUSTC RUSTUP_
  RUSTFLAGS JULIA_ ERL_ ELIXIR_ GOFLAGS GOENV GOPATH GOROOT GOBIN GOPROXY GOTOOL GODEBUG GOSUM GONO
  GOPRIVATE GOINSECURE GIT_ SSH_ DOCKER_ CONTAINER_ PODMAN_ BUILDKIT_ OPENSSL_ CURL_ WGET
`);
/** Of those that begin so, names that load nothing. */
const harmless = new Set(["NODE_ENV", "UV_THREADPOOL_SIZE"]);
const form = /^[A-Za-z_][A-Za-z0-9_]{0,199}$/;

/** Whether no server may set a variable of this name. In any case: some programs read theirs in every one. */
export function isForbiddenVariable(name: string): boolean {
  const upper = name.toUpperCase();
  if (harmless.has(upper)) return false;
  return (
    !form.test(name) ||
    forbiddenNames.has(upper) ||
    forbiddenBeginnings.some((beginning) => upper.startsWith(beginning))
  );
}
