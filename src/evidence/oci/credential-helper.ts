import { spawn } from 'node:child_process'
import { parseJson, type Json } from '#document'
import { quote, SallyportError } from '#error'
import type { Credential } from './credentials.ts'

const maxOutput = 64 * 1024
const maxMs = 10_000
const notThere = /credentials not found/i

/**
 * Asks a Docker credential helper, `docker-credential-NAME get`: bounded in time and output, through standard input, so
 * that nothing is in an argument. Undefined when the helper has no credential for the server.
 *
 * @throws SallyportError EVIDENCE_CREDENTIALS; nothing that the helper said is told
 */
export async function askHelper(
  name: string,
  server: string,
  options: { readonly maxMs?: number } = {},
): Promise<Credential | undefined> {
  if (!/^[a-z0-9][a-z0-9_.-]{0,63}$/.test(name)) {
    throw failed(`docker-credential-${name}`, 'a name of lower-case letters, digits and - _ .')
  }
  const program = `docker-credential-${name}`
  const { code, output } = await run(program, server, options.maxMs ?? maxMs)
  if (code !== 0) {
    if (notThere.test(output)) return undefined
    throw failed(program, `exit code ${code ?? 'none'}`)
  }
  const credential = read(output)
  if (credential === undefined) throw failed(program, 'an answer that is no credential')
  return credential
}

function run(
  program: string,
  server: string,
  maxMs: number,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'] })
    const chunks: Buffer[] = []
    let size = 0
    const stop = (found: string): void => {
      clearTimeout(late)
      child.kill('SIGKILL')
      // A grandchild may hold the pipe for ever: nobody waits for it.
      child.stdout.destroy()
      reject(failed(program, found))
    }
    const late = setTimeout(() => stop(`no answer within ${maxMs} ms`), maxMs)
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxOutput) stop(`more than ${maxOutput} bytes`)
      else chunks.push(chunk)
    })
    child.on('error', (error: NodeJS.ErrnoException) => stop(error.code ?? 'an unknown error'))
    child.on('close', (code) => {
      clearTimeout(late)
      resolve({ code, output: Buffer.concat(chunks).toString('utf8') })
    })
    // A helper that does not read is told by its exit code.
    child.stdin.on('error', () => undefined)
    child.stdin.end(server)
  })
}

function read(output: string): Credential | undefined {
  let value: Json
  try {
    value = parseJson(Buffer.from(output), { what: 'credential', maxBytes: maxOutput })
  } catch {
    // The message would quote the answer, which holds a password.
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { Username: username, Secret: secret } = value as Readonly<Record<string, Json | undefined>>
  if (typeof username !== 'string' || typeof secret !== 'string') return undefined
  // Docker: this user name says that the secret is an identity token.
  if (username === '<token>') return { kind: 'identity', token: secret }
  return { kind: 'basic', username, password: secret }
}

function failed(program: string, found: string): SallyportError {
  return new SallyportError({
    code: 'EVIDENCE_CREDENTIALS',
    where: quote(program, 100),
    expected: 'a credential, or that there is none',
    found,
    fix: `Run ${quote(program, 100)} by hand to see what is wrong, or remove it from the Docker configuration`,
  })
}
