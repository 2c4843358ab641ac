import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { attack, type Place } from './harness.ts'

const secret = 'SECRET-BREACH-2f6a1c'

// Readable for everybody: only that it is not there protects it.
function hostSecret({ folder }: Place, name: string): string {
  const path = join(folder, name)
  writeFileSync(path, secret, { mode: 0o644 })
  return path
}

attack("the orchestrator's key file cannot be read", (place) => {
  const path = hostSecret(place, 'key.pem')
  return { without: ['hidden-host'], script: `cat ${path} /host${path}` }
})

attack("the orchestrator's .npmrc cannot be read through any folder called home", (place) => {
  const path = hostSecret(place, '.npmrc')
  return {
    without: ['hidden-host'],
    script: `for home in "$HOME" /root /home/* ${place.folder} /host${place.folder}; do cat "$home/.npmrc"; done; true ${path}`,
  }
})

attack('a search of the whole tree finds no secret of the host', (place) => {
  hostSecret(place, 'token')
  const name = place.folder.split('/').at(-1)
  return {
    without: ['hidden-host'],
    script: `find / /host${tmpdir()} -maxdepth 4 -path '*${name}*' -name token -exec cat {} + 2>/dev/null`,
  }
})

attack(
  'the password hashes of the host cannot be read',
  () => ({
    without: ['hidden-host', 'covered-proc', 'payload-uid', 'unprivileged-cell', 'user-namespace'],
    script: 'grep -q "^root:" /etc/shadow /host/etc/shadow 2>/dev/null && echo BREACH',
  }),
  { needs: 'root' },
)

attack("the environment of the sandbox's init holds nothing", () => ({
  without: ['empty-environment'],
  secretEnvironmentUnsafe: { REGISTRY_TOKEN: secret },
  script: 'cat /proc/1/environ',
}))

attack('the environment of the command holds nothing of the host', () => ({
  without: ['empty-environment'],
  secretEnvironmentUnsafe: { REGISTRY_TOKEN: secret },
  script: 'env',
}))

attack('no environment of any process holds a secret', () => ({
  without: ['empty-environment'],
  secretEnvironmentUnsafe: { REGISTRY_TOKEN: secret },
  script: 'cat /proc/[0-9]*/environ /proc/[0-9]*/task/*/environ',
}))

attack('the command lines of the host are not visible', () => ({
  without: ['process-namespaces'],
  script: `for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $file; echo; done | grep -q 'superviso[r].js' && echo BREACH`,
}))

attack('the boot arguments of the host are not visible', () => {
  const shown = readFileSync('/proc/cmdline', 'utf8').trim().slice(0, 40)
  return {
    without: ['covered-proc'],
    script: 'cat /proc/cmdline',
    worked: ({ log }) => shown !== '' && log.includes(shown),
  }
})

attack('the boot id of the host is not visible', () => {
  const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return {
    without: ['covered-proc'],
    script: 'cat /proc/sys/kernel/random/boot_id',
    worked: ({ log }) => log.includes(id),
  }
})

attack('the repository of the host cannot be rewritten (.git/hooks, .git/config)', (place) => {
  const config = join(place.folder, 'config')
  writeFileSync(config, '[core]\n')
  chmodSync(config, 0o666)
  return {
    without: ['hidden-host'],
    script: `mkdir -p .git/hooks; echo '[core] fsmonitor = evil' | tee .git/config >> /host${config}; echo '[core] fsmonitor = evil' >> ${config}`,
    worked: () => readFileSync(config, 'utf8').includes('evil'),
  }
})

attack('a socket file of the host (docker.sock, ssh-agent) cannot be reached', async (place) => {
  const path = join(place.folder, 'agent.sock')
  let reached = 0
  const server = createServer((socket) => {
    reached += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen({ path, writableAll: true }, resolve))
  place.after(() => server.close())
  return {
    without: ['hidden-host'],
    calls: (program) => {
      const connects = [path, `/host${path}`].map((name) => {
        const socket = program.call('socket', 1, 1, 0)
        const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(name), Buffer.alloc(1)])
        return program.call('connect', socket, program.bytes(address), address.length)
      })
      return ({ result }) => connects.some((connect) => result(connect) === 0)
    },
    worked: () => reached > 0,
  }
})
