import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { parseVerifierKey } from '#merkle'
import { rolledBack } from '../refusals.ts'
import { RememberingSigner, testOrigin, VolatileMemory } from '../testing/remembering-signer.ts'
import { Candidate } from './candidate.ts'
import type { SequencerSession, SharedLogStore } from './ports.ts'

type Turn = () => SequencerSession | undefined

test('what the store has is refused when it is judged again and is still not what was signed', async () => {
  assert.deepEqual(await run([refuse, refuse]), ['told LOG_ROLLED_BACK', 'refused LOG_ROLLED_BACK'])
})

test('a replica that follows well in between has nothing that was refused before', async () => {
  assert.deepEqual(await run([refuse, () => undefined, refuse, refuse]), [
    'told LOG_ROLLED_BACK',
    'told LOG_ROLLED_BACK',
    'refused LOG_ROLLED_BACK',
  ])
})

test('nor has one that has committed since: it may have been held up', async () => {
  assert.deepEqual(await run([refuse, () => commitThenRefuse(), refuse]), [
    'told LOG_ROLLED_BACK',
    'committed 1',
    'released',
    'told LOG_ROLLED_BACK',
    'refused LOG_ROLLED_BACK',
  ])
})

/** What a candidate tells whose store answers so, one after the other. */
async function run(turns: readonly Turn[]): Promise<readonly string[]> {
  const told: string[] = []
  const { promise: over, resolve: end } = Promise.withResolvers<void>()
  const signer = new RememberingSigner(new VolatileMemory(), 1)
  const left = [...turns]
  const sequence = (): SequencerSession | undefined => {
    const turn = left.shift()
    if (turn !== undefined) return turn()
    told.push('asked once more')
    end()
    return undefined
  }
  const candidate = new Candidate({
    signer,
    log: { origin: testOrigin, verifierKeys: signer.verifierKeys.map(parseVerifierKey) },
    readTile: () => assert.fail(),
    store: { sequence: async () => sequence() } as unknown as SharedLogStore,
    head: () => undefined,
    isAwaited: () => false,
    submit: async (turn) => turn([]),
    remembered: () => undefined,
    committed: ({ head }) => told.push(`committed ${head.size}`),
    released: () => told.push('released'),
    tell: (problem) => told.push(`told ${codeOf(problem)}`),
    refused: (problem) => {
      told.push(`refused ${codeOf(problem)}`)
      end()
    },
  })
  await over
  await candidate.close()
  return told
}

const refuse = (): never => {
  throw rolledBack({ origin: testOrigin, verifierKeys: [] }, 2, 1)
}

/** A session that commits one entry, and is refused then. */
function commitThenRefuse(): SequencerSession {
  const staged = [{ id: 1, entry: Buffer.from('{}') }]
  const turns = [() => staged, () => [], refuse]
  return {
    standing: { head: undefined, staged: [] },
    isDue: true,
    begin: () => Promise.resolve(),
    turn: async () => turns.shift()?.() ?? assert.fail(),
    release: () => Promise.resolve(),
  }
}

function codeOf(problem: unknown): string {
  return problem instanceof SallyportError ? problem.code : String(problem)
}
