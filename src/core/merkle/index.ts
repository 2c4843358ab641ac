export { encodeAddCheckpoint, parseAddCheckpoint, type AddCheckpoint } from './add-checkpoint.ts'
export { encodeEntry, maxEntryBytes, parseEntryBundle, splitEntries } from './bundle.ts'
export {
  openCheckpoint,
  signCheckpoint,
  signCheckpointLate,
  type CheckpointKey,
  type LateCheckpointKey,
  type LogIdentity,
  type OpenedCheckpoint,
} from './checkpoint.ts'
export { encodeCheckpointText, parseCheckpointText, type Checkpoint } from './checkpoint-text.ts'
export {
  addSignatures,
  encodeSignatureLines,
  onlySignaturesOf,
  openCosignatures,
  parseSignatureLines,
  signersOf,
} from './cosignature.ts'
export { TreeEdge, type Extension, type Tile } from './edge.ts'
export { emptyRoot, hashChildren, hashLeaf, hashSize } from './hash.ts'
export {
  encodeVerifierKey,
  keyObjectOf,
  parseSignerKey,
  parseVerifierKey,
  verifierKey,
  verifierKeyOf,
  type VerifierKey,
} from './key.ts'
export type { NoteKeyType } from './key-format.ts'
export { refuseToSign, type SigningRequest } from './memory.ts'
export { treeRoot, type NodePosition, type ReadNodes } from './node.ts'
export { encodeNote, parseNote, type Note, type NoteSignature } from './note.ts'
export {
  consistencyHolds,
  inclusionHolds,
  proveConsistency,
  proveInclusion,
  sameTree,
  type TreeHead,
} from './proof.ts'
export {
  noteSignature,
  openNote,
  signedMessage,
  type KnownSignature,
  type OpenedNote,
} from './signature.ts'
export {
  parseTilePath,
  partialTiles,
  subtreeHash,
  tileNodes,
  tilePath,
  tileWidth,
  tileWidthIn,
  type ReadTile,
  type TilePosition,
} from './tile.ts'
export {
  encodeTlogProof,
  parseTlogProof,
  verifyTlogProof,
  type LoggedEntry,
  type TlogProof,
} from './tlog-proof.ts'
export {
  isQuorum,
  parseWitnessPolicy,
  type PolicyWitness,
  type Quorum,
  type WitnessPolicy,
} from './witness-policy.ts'
