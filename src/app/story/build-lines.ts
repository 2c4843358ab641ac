import { readProvenance } from '#attestation'
import type { BuildEvent, BuildReport } from '../builds/build.ts'
import type { Locked } from '../builds/locked.ts'
import type { Checkout } from '../checkout.ts'
import { bytes, plural } from './words.ts'
import type { Teller } from './story.ts'

/** Turns what happens during a build into the lines about source, materials, root, build and provenance. */
export class BuildLines {
  readonly #teller: Teller
  readonly #checkout: Checkout
  readonly #seen = { count: 0, bytes: 0, downloaded: 0, downloadedBytes: 0 }
  #locked: Locked | undefined
  #because: string | undefined

  constructor(teller: Teller, checkout: Checkout) {
    this.#teller = teller
    this.#checkout = checkout
  }

  on(event: BuildEvent): void {
    switch (event.kind) {
      case 'source':
        this.#locked = event.locked
        this.#source(event.source)
        break
      case 'material':
        this.#count(event.progress)
        if (event.progress.done === event.progress.total) this.#materials()
        break
      case 'root-measured':
        this.#because = event.because.found
        break
      case 'root-material':
        this.#materials()
        break
      case 'step-started':
        this.#materials()
        this.#root(this.#because === undefined)
        break
      case 'step-output':
      case 'step-finished':
    }
  }

  /** The lines that need the whole result, and those for which nothing had to be done. */
  finish(report: BuildReport): void {
    this.#materials()
    this.#root(report.root.kind === 'pinned', report.root.packages)
    this.#build(report)
    this.#provenance(report)
  }

  #source({ uri, commit, ref }: BuildReport['source']): void {
    if (this.#teller.told('source')) return
    const { changed, subject } = this.#checkout
    const notes = [`"${subject}", ${ref ?? 'on no branch'}`]
    if (changed > 0) {
      notes.push(
        `${changed} ${plural(changed, 'file')} here ${changed === 1 ? 'differs' : 'differ'} from it and will not be in the build: only the commit is built`,
      )
    }
    this.#teller.say({ name: 'source', text: `commit ${commit} of ${uri}`, notes })
  }

  #count(progress: Extract<BuildEvent, { kind: 'material' }>['progress']): void {
    if (this.#teller.told('materials')) return
    this.#seen.count += 1
    this.#seen.bytes += progress.size
    if (progress.provenience.from === 'store') return
    this.#seen.downloaded += 1
    this.#seen.downloadedBytes += progress.size
  }

  #materials(): void {
    if (this.#teller.told('materials')) return
    const { count, downloaded, downloadedBytes } = this.#seen
    const here = count - downloaded
    const parts = [
      `${count} locked npm ${plural(count, 'package')}, ${bytes(this.#seen.bytes)}`,
      ...(downloaded > 0 ? [`${downloaded} downloaded (${bytes(downloadedBytes)})`] : []),
      ...(here > 0 ? [`${here} here already`] : []),
      'each with the digests of the lock',
    ]
    this.#teller.say({ name: 'materials', text: parts.join(', ') })
  }

  #root(isPinned: boolean, packages = this.#locked?.debian.count ?? 0): void {
    if (this.#teller.told('root')) return
    if (isPinned) {
      const what = `pinned: ${packages} Debian ${plural(packages, 'package')}, each in an index that Debian's archive signed`
      this.#teller.say({ name: 'root', text: what })
      return
    }
    const notes = this.#because === undefined ? [] : [`not pinned, because: ${this.#because}`]
    const text = 'measured: the files that are installed here, each with its digest'
    this.#teller.say({ name: 'root', text, notes })
  }

  #build(report: BuildReport): void {
    const { steps, reused, inputs } = report
    const finished = finishedOn(report)
    if (reused) {
      const text = `the very same build was made at ${finished ?? 'an unknown time'}, and is used again`
      this.#teller.say({ name: 'build', text })
      return
    }
    const [first] = steps
    const probes = steps.flatMap((step) => step.probes)
    const held = probes.filter(({ contained }) => contained).length
    const attempts = steps.flatMap(({ network }) => network.attempts)
    const tried = attempts.reduce((sum, { count }) => sum + count, 0)
    const names = steps.map(({ id }) => id).join(', ')
    const sandbox = first?.sandbox
    this.#teller.say({
      name: 'build',
      text: `${steps.length} ${plural(steps.length, 'step')} (${names}), each in a sandbox of its own that saw ${inputs} inputs and nothing else`,
      notes: [
        `no network, no keys, uid ${sandbox?.uid ?? '?'}, seccomp ${sandbox?.seccomp.architecture ?? '?'}, limits by ${sandbox?.limits ?? '?'}`,
        `${held} of ${probes.length} ${plural(probes.length, 'probe')} contained, ${tried} network ${plural(tried, 'attempt')}`,
      ],
    })
  }

  #provenance({ artifacts, builderId }: BuildReport): void {
    this.#teller.say({
      name: 'provenance',
      text: `signed by ${builderId}`,
      notes: artifacts.flatMap(({ path, sha256, bundlePath }) => [
        `${path} sha256:${sha256}`,
        bundlePath,
      ]),
    })
  }
}

/** When the build that made the artifact ended, as its provenance says. */
export function finishedOn({ statement }: BuildReport): string | undefined {
  return readProvenance(statement).finishedOn
}
