import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readsCommands, withoutCommands } from './workflow-commands.ts'

/** As the runner of GitHub reads a line: `::` after trimming, and `##[` anywhere. */
const isCommand = (line: string): boolean => line.trim().startsWith('::') || /##\w*\[/.test(line)

test('no line of what is printed is a command for a runner', () => {
  for (const text of [
    '::set-output name=a::b',
    '  ::add-mask::secret',
    '\t::stop-commands::x',
    'found  ok\n   ::warning file=a::b\nmore',
    'a ##[set-env name=PATH]x',
    '##vso[task.setvariable variable=a]b',
    "##teamcity[setParameter name='a']",
    '###[debug]x',
    '\u00a0::debug::x',
    '\r::debug::x',
  ]) {
    const safe = withoutCommands(text)
    assert.ok(!safe.split(/\r|\n/).some(isCommand), JSON.stringify(safe))
  }
})

test('JSON stays what it was', () => {
  const value = { name: '##[add-mask]x', list: ['::set-output', '###[b]'] }
  const safe = withoutCommands(JSON.stringify(value, undefined, 2))
  assert.doesNotMatch(safe, /##\[/)
  assert.deepEqual(JSON.parse(safe), value)
})

test('other text is left as it is', () => {
  for (const text of ['a::b', 'oci://[::1]/x', '## Heading', '# [link](x)', 'std::string'])
    assert.equal(withoutCommands(text), text)
  assert.equal(readsCommands({ GITHUB_ACTIONS: 'true' }), true)
  assert.equal(readsCommands({ CI: 'true' }), false)
})
