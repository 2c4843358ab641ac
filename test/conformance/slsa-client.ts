// What `slsa-client` runs: slsa-verifier's command line, answered by `decide()`. For what is asked, a trust file and a
// policy are written, and nothing else decides. Everything is offline: trusted roots are those beside the project.
//
// Where it refuses on purpose what slsa-verifier accepts:
// - envelopes with a certificate and without log entry (`.intoto.jsonl` until 2024), for which slsa-verifier asks Rekor;
// - summaries about something that is named by no SHA-256 digest, such as `gce_image_id`: a decision is about bytes;
// - a tag such as v1.2.0-rc.1 for `--source-versioned-tag v1`: pre-releases are meant only when written out.
import { verifySlsa } from './slsa/verify.ts'

const { isGood, lines } = verifySlsa(process.argv.slice(2))
for (const line of lines) process.stderr.write(`${line}\n`)
process.exitCode = isGood ? 0 : 1
