import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { SyscallProgram } from './syscall-program.ts'
import { architectureOf, type Architecture } from './syscalls.ts'

const here = -100
const own = architectureOf(process.arch)
const emulator = spawnSync('qemu-aarch64', ['--version']).status === 0

for (const architecture of ['x86_64', 'aarch64'] as const) {
  const runnable = architecture === own || (architecture === 'aarch64' && emulator)
  const skip = runnable ? false : `skipped: this machine cannot run ${architecture} programs`

  test(
    `a program for ${architecture} makes its calls in order and tells what they returned`,
    { skip },
    () => {
      const program = new SyscallProgram(architecture)
      const names = program.buffer(390)
      const uname = program.call('uname', names)
      const missing = program.call('openat', here, program.text('/no/such/file'), 0, 0)
      const file = program.call('openat', here, program.text('/proc/self/comm'), 0, 0)
      const comm = program.buffer(64)
      const size = program.call('read', file, comm, 64)
      const unread = program.call('read', missing, comm, 64)
      const outcome = run(program)
      assert.ok(outcome !== undefined)
      assert.equal(outcome.result(uname), 0)
      assert.equal(outcome.result(missing), -2)
      assert.ok(outcome.result(file) >= 3)
      assert.ok(outcome.result(size) > 0)
      assert.equal(outcome.result(unread), -9)
      assert.equal(text(outcome.content(names).subarray(65)), hostname())
    },
  )

  test(`all six arguments reach the kernel on ${architecture}`, { skip }, () => {
    const program = new SyscallProgram(architecture)
    const file = program.call('openat', here, program.text('/proc/self/exe'), 0, 0)
    // The sixth argument is the offset: only with it the second page is not the first.
    const mapped = program.call('mmap', 0, 4096, 1, 2, file, 65536)
    const pipe = program.call('write', -1, mapped, 8)
    const outcome = run(program)
    assert.ok((outcome?.result(mapped) ?? -1) > 0)
    assert.equal(outcome?.result(pipe), -9)
  })
}

test('a program is the same bytes for the same calls', () => {
  const write = (): Uint8Array => {
    const program = new SyscallProgram('aarch64')
    program.call('openat', here, program.text('/a'), 0, 0)
    return program.elf()
  }
  assert.deepEqual(write(), write())
  const sha256 = createHash('sha256').update(write()).digest('hex')
  assert.equal(sha256, '4a6b3f5956bfdb63df9a2d64761b3b13fe62b5327bc4504d7e430ba23cb25a46')
})

test('an outcome that is too short is no outcome', () => {
  const program = new SyscallProgram('x86_64')
  program.call('getpid')
  assert.equal(program.outcome(new Uint8Array(program.outcomeSize - 1)), undefined)
})

function run(program: SyscallProgram): ReturnType<SyscallProgram['outcome']> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-program-'))
  try {
    const path = join(folder, 'program')
    writeFileSync(path, program.elf(), { mode: 0o755 })
    const command = emulated(program.architecture, path)
    const { stdout } = spawnSync(command[0] ?? '', command.slice(1))
    return program.outcome(stdout)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function emulated(architecture: Architecture, path: string): string[] {
  return architecture === own ? [path] : ['qemu-aarch64', path]
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1').split('\0')[0] ?? ''
}
