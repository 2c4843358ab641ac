import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { findCertificate } from './certificate.ts'

const now = new Date('2026-06-01T00:00:00Z')
const grants = [{ subject: 'grace', roles: ['auditor'] }] as const
const certificate = {
  validToDate: new Date('2027-01-01T00:00:00Z'),
  subject: 'CN=grace',
  subjectAltName: undefined,
}
const socket = { authorized: true, getPeerX509Certificate: () => certificate }

function nameOf(headers: Readonly<Record<string, string>>): string | undefined {
  const request = { socket, headers: { host: 'gate.example:8443', ...headers } }
  return findCertificate(request as unknown as IncomingMessage, grants, now)?.name
}

test('a certificate is somebody at a command line, and in a page of the gate itself', () => {
  const own = { origin: 'https://gate.example:8443', 'sec-fetch-site': 'same-origin' }
  for (const headers of [{}, own, { 'sec-fetch-site': 'none' }]) {
    assert.equal(nameOf(headers), 'certificate:grace')
  }
})

test('what a page of another site has a browser send is sent by nobody', () => {
  const evil = 'https://evil.example'
  for (const headers of [
    { origin: evil },
    { origin: 'null' },
    { origin: 'https://gate.example' },
    { origin: `${evil}/https://gate.example:8443` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://gate.example:8443', 'sec-fetch-site': 'cross-site' },
  ]) {
    assert.equal(nameOf(headers), undefined, JSON.stringify(headers))
  }
})
