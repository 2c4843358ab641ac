/** A program that fetches, and for which of its arguments. */
interface Downloader {
  readonly program: RegExp
  /** Its first argument that is no option; without, the program always fetches. */
  readonly verbs?: RegExp
  /** An argument with which it does not fetch. */
  readonly unless?: RegExp
}

// Programs whose purpose is to get something from elsewhere. `npm ci` is not here: what it installs is locked, and in a
// build it finds only the registry of the sandbox.
const downloaders: readonly Downloader[] = [
  { program: /^(?:curl|wget|aria2c|axel|lftp|ftp|sftp|scp|nc|ncat|netcat|telnet)$/ },
  { program: /^git$/, verbs: /^(?:clone|fetch|pull|submodule|ls-remote|remote-https|lfs)$/ },
  { program: /^gh$/, verbs: /^(?:release|run|repo|api|extension)$/ },
  { program: /^npx$/, unless: /^--(?:no|no-install|offline)$/ },
  { program: /^(?:pnpx|bunx)$/ },
  {
    program: /^npm$/,
    verbs: /^(?:install|i|in|add|isntall|update|up|upgrade|exec|x|init|create|view|audit)$/,
    unless: /^--(?:no|no-install|offline)$/,
  },
  { program: /^(?:yarn|pnpm|bun)$/, verbs: /^(?:add|dlx|exec|create|up|update|upgrade|x)$/ },
  { program: /^pip[\d.]*$/, verbs: /^(?:install|download|wheel)$/, unless: /^--no-index$/ },
  { program: /^(?:pipx|uv|uvx|poetry|conda|gem|cpan|cpanm|luarocks|opam|cabal|stack)$/ },
  { program: /^go$/, verbs: /^(?:get|install|mod)$/ },
  { program: /^(?:cargo|rustup)$/, verbs: /^(?:install|fetch|update|toolchain|add)$/ },
  { program: /^(?:apt|apt-get|aptitude|apk|yum|dnf|microdnf|zypper|pacman|brew|snap)$/ },
  {
    program: /^(?:docker|podman|skopeo|crane|oras|helm)$/,
    verbs: /^(?:pull|run|build|copy|cp|install|repo)$/,
  },
  { program: /^(?:aws|gsutil|gcloud|az|rclone|s3cmd)$/ },
]

/** Whether a command fetches something from elsewhere while the build runs. */
export function downloads(program: string, args: readonly string[]): boolean {
  const verb = args.find((argument) => !argument.startsWith('-')) ?? ''
  return downloaders.some(
    (item) =>
      item.program.test(program) &&
      (item.verbs === undefined || item.verbs.test(verb)) &&
      !args.some((argument) => item.unless?.test(argument) === true),
  )
}
