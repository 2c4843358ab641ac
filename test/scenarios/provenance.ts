import { appendFileSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { bundleOf, encodeBundle, provenanceStatement, type ProvenanceParts } from '#attestation'
import { sha256Hex } from '#document'
import { builderIds, provenanceFormat, recipeBuildType, startSigner } from '#signer'

const commit = '1f2e3d4c5b6a79880716253443526170bead0001'
const tree = 'a'.repeat(64)

/**
 * provenance ARTIFACT [name=value …]: what a build of this artifact on this machine would have left beside it,
 * signed by the builder key of the home in the working folder, through the real signer.
 *
 * Names: root (measured, pinned), source, commit, ref, recipe, parameter.NAME, committed, finished (times),
 * network (attempts), name (the purl of the artifact), out (the file it is added to), home.
 */
export async function provenance(args: readonly string[], dir: string): Promise<string> {
  const [artifact = '', ...pairs] = args
  const given = Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2)))
  const root = given['root'] === 'pinned' ? 'pinned' : 'measured'
  const bytes = readFileSync(join(dir, artifact))
  const statement = provenanceStatement({
    subject: [
      {
        name: basename(artifact),
        uri: given['name'] ?? 'pkg:generic/shop@1.0.0',
        digest: { sha256: sha256Hex(bytes) },
        annotations: { version: '1.0.0' },
      },
    ],
    ...partsOf(given, root),
  })
  const keys = join(dir, given['home'] ?? '.sallyport', 'keys')
  const builderId =
    root === 'pinned' ? builderIds.workstationPinned : builderIds.workstationMeasured
  await using signer = await startSigner({
    keyFile: join(keys, `builder-${root}.pem`),
    passphraseFile: join(keys, `builder-${root}.pass`),
    role: { kind: 'builder', builderIds: [builderId] },
    journalFile: join(keys, '../signatures.jsonl'),
  })
  const bundle = encodeBundle(bundleOf(await signer.sign(statement), signer.keyid))
  appendFileSync(
    join(dir, given['out'] ?? `${artifact}.sigstore.jsonl`),
    Buffer.concat([bundle, Buffer.from('\n')]),
  )
  return ''
}

type Given = Readonly<Record<string, string>>

function partsOf(given: Given, root: 'measured' | 'pinned'): Omit<ProvenanceParts, 'subject'> {
  const uri = given['source'] ?? 'git+https://git.example/acme/shop'
  const ref = given['ref'] ?? 'refs/heads/main'
  const finishedOn = given['finished'] ?? `${new Date().toISOString().slice(0, 19)}Z`
  const parameters = Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      name.startsWith('parameter.') ? [[name.slice('parameter.'.length), value]] : [],
    ),
  )
  return {
    buildDefinition: {
      buildType: recipeBuildType,
      externalParameters: {
        source: { uri, revision: ref === '' ? commit : ref },
        recipe: { path: given['recipe'] ?? 'sallyport.build.json' },
        parameters: { target: 'release', ...parameters },
      },
      internalParameters: internalParameters(root, given),
      resolvedDependencies: [
        {
          name: 'source',
          uri: ref === '' ? uri : `${uri}@${ref}`,
          digest: { gitCommit: given['commit'] ?? commit, sha256: tree },
          annotations: { roles: ['source'], committedAt: given['committed'] ?? finishedOn },
        },
        {
          name: 'recipe',
          uri: 'file:///build/sallyport.build.json',
          digest: { sha256: 'b'.repeat(64) },
          annotations: { roles: ['recipe'] },
        },
      ],
    },
    runDetails: {
      builder: {
        id: root === 'pinned' ? builderIds.workstationPinned : builderIds.workstationMeasured,
        version: { sallyport: '0.1.0' },
        builderDependencies: [],
      },
      metadata: { invocationId: 'story', startedOn: finishedOn, finishedOn },
      byproducts: [],
    },
  }
}

function internalParameters(root: string, given: Given) {
  return {
    sallyport_format: provenanceFormat,
    sallyport_steps: [{ id: 'build', run: [['true']] }],
    sallyport_sandbox: { backend: 'bubblewrap', root, network: 'none' },
    sallyport_network: { mode: 'recorded', attempts: Number(given['network'] ?? 0) },
    sallyport_probes: { passed: 12, failed: 0 },
  }
}
