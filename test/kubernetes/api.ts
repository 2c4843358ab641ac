import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import type { Cluster } from './api-server.ts'

/** Whether a gate at this address says that it is well, as a kubelet asks: without looking at its certificate. */
export function answers(host: string, path: string): Promise<boolean> {
  return new Promise((done) => {
    const asked = request({ host, port: 8443, path, rejectUnauthorized: false, timeout: 5000 })
    asked.on('response', (response) => {
      response.resume()
      done(response.statusCode === 200)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => done(false))
    asked.end()
  })
}

/** The API of the cluster, as an administrator. Patches are merged. */
export function apiOf({ address, tokenFile, caFile }: Cluster) {
  const ca = readFileSync(caFile)
  const authorization = `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`
  return (method: string, path: string, body?: object): Promise<unknown> =>
    new Promise((done, fail) => {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
      const headers = { authorization, 'content-type': type }
      const asked = request(new URL(path, address), { method, ca, headers }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', fail)
        response.on('end', () => {
          try {
            done(JSON.parse(Buffer.concat(chunks).toString()))
          } catch (error) {
            fail(error instanceof Error ? error : new Error(String(error)))
          }
        })
      })
      asked.on('error', fail)
      asked.end(body === undefined ? undefined : JSON.stringify(body))
    })
}
