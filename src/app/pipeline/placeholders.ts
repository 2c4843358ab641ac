import { quote, SallyportError } from '#error'

/** One artifact as a command is given it. */
export interface PinnedArtifact {
  /** As the person named it. */
  readonly typed: string
  /** What a command is given in its place: the path of a copy, or a name with digest. */
  readonly value: string
  /** `sha256:…` */
  readonly digest: string
}

const placeholder = /\{(?:(\d{1,3})(\.digest)?|(digest))?\}/g

/**
 * A command with what was decided about in place of `{}` (every artifact), `{2}` (the second), `{digest}` and `{2.digest}`.
 * A command that names an artifact as the person did is refused: it would deploy whatever is there by then.
 *
 * @throws SallyportError GATE_UNPINNED, GATE_PLACEHOLDER
 */
export function pinCommand(
  command: readonly string[],
  artifacts: readonly PinnedArtifact[],
  options: { readonly inEnvironment: boolean },
): readonly string[] {
  const [program = '', ...words] = command
  const loose = words.find((word) => artifacts.some(({ typed }) => isNamed(word, typed)))
  if (loose !== undefined) throw unpinned(`${quote(loose, 200)} in the command`)
  if (!options.inEnvironment && !words.some((word) => word.search(placeholder) >= 0))
    throw unpinned('no placeholder')
  return [program, ...words.flatMap((word) => fill(word, artifacts))]
}

/** Whether a word is the artifact as it was typed, also behind a `=` as in `--file=app.sql`, or with a transport before it. */
function isNamed(word: string, typed: string): boolean {
  const bare = typed.replace(/^oci:\/\//, '')
  return [typed, bare, `./${bare}`].some(
    (name) => word === name || word.endsWith(`=${name}`) || word.endsWith(`//${name}`),
  )
}

function fill(word: string, artifacts: readonly PinnedArtifact[]): readonly string[] {
  if (word === '{}') return artifacts.map(({ value }) => value)
  if (word === '{digest}') return artifacts.map(({ digest }) => digest)
  return [
    word.replace(placeholder, (whole, number?: string, ofOne?: string, ofAll?: string) => {
      if (number === undefined && artifacts.length > 1) throw ambiguous(word, artifacts.length)
      const artifact = artifacts[Number(number ?? '1') - 1]
      if (artifact === undefined) throw unknown(whole, artifacts.length)
      return ofOne === undefined && ofAll === undefined ? artifact.value : artifact.digest
    }),
  ]
}

function unpinned(found: string): SallyportError {
  return new SallyportError({
    code: 'GATE_UNPINNED',
    where: 'sallyport gate -- COMMAND',
    expected: '{} wherever the command takes the artifact: the very bytes that were decided about',
    found,
    fix: 'Write {} in its place; for a script that reads GATED_ARTIFACT from its environment add --in-environment',
  })
}

function ambiguous(word: string, count: number): SallyportError {
  return new SallyportError({
    code: 'GATE_PLACEHOLDER',
    where: quote(word, 200),
    expected: `which of ${count} artifacts, such as {1}`,
    found: '{} inside a longer word',
    fix: 'Write {1}, {2} and so on',
  })
}

function unknown(whole: string, count: number): SallyportError {
  return new SallyportError({
    code: 'GATE_PLACEHOLDER',
    where: 'sallyport gate -- COMMAND',
    expected: count === 1 ? '{} or {1}: there is one artifact' : `{1} to {${count}}`,
    found: whole,
    fix: 'Correct the number',
  })
}
