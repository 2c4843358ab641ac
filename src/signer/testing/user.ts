// A program that uses a signer: it signs once, says the signer's process id, and waits.
import { startSigner } from '../client.ts'
import { builderRole, provenance } from './statements.ts'

const [keyFile = '', passphraseFile = '', journalFile = ''] = process.argv.slice(2)
const signer = await startSigner({ keyFile, passphraseFile, role: builderRole, journalFile })
await signer.sign(provenance())
process.stdout.write(`${signer.pid}\n`)
process.stdin.resume()
process.stdin.on('end', () => void signer.close())
