// The log of Sallyport, read by the Go implementations of the same formats. One command a run; exit 0 when all is well.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const usage = `fsck FOLDER ORIGIN VKEY | open FILE VKEY... | receipt FILE ENTRY ORIGIN VKEY | prove FOLDER SIZE FROM INDEX... | sign ORIGIN SIZE ROOT`

func main() {
	if len(os.Args) < 3 {
		fail(errors.New(usage))
	}
	commands := map[string]func([]string) (any, error){
		"fsck": check, "open": open, "receipt": receipt, "prove": prove, "sign": sign,
	}
	command, known := commands[os.Args[1]]
	if !known {
		fail(errors.New(usage))
	}
	result, err := command(os.Args[2:])
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// check derives every tile and the root from the entries, with the fsck of Tessera.
func check(args []string) (any, error) {
	verifier, err := note.NewVerifier(args[2])
	if err != nil {
		return nil, err
	}
	f := fsck.New(args[1], verifier, client.FileFetcher{Root: args[0]}, hashBundle, fsck.Opts{N: 2})
	if err := f.Check(context.Background()); err != nil {
		return nil, err
	}
	return "ok", nil
}

func hashBundle(bundle []byte) ([][]byte, error) {
	entries := &api.EntryBundle{}
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(entries.Entries))
	for _, entry := range entries.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

type signature struct {
	Name string `json:"name"`
	Time int64  `json:"time"`
}

type opened struct {
	Origin     string      `json:"origin"`
	Size       uint64      `json:"size"`
	Root       string      `json:"root"`
	Signatures []signature `json:"signatures"`
}

// open verifies the signatures of a checkpoint: Ed25519 with x/mod, the cosignature types with transparency-dev/formats.
func open(args []string) (any, error) {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return nil, err
	}
	return openText(text, args[1:])
}

func openText(text []byte, vkeys []string) (*opened, error) {
	verifiers := make([]note.Verifier, 0, len(vkeys))
	for _, vkey := range vkeys {
		verifier, err := verifierOf(vkey)
		if err != nil {
			return nil, fmt.Errorf("%.40s: %w", vkey, err)
		}
		verifiers = append(verifiers, verifier)
	}
	n, err := note.Open(text, note.VerifierList(verifiers...))
	if err != nil {
		return nil, err
	}
	checkpoint := &log.Checkpoint{}
	if _, err := checkpoint.Unmarshal([]byte(n.Text)); err != nil {
		return nil, err
	}
	result := &opened{checkpoint.Origin, checkpoint.Size, base64.StdEncoding.EncodeToString(checkpoint.Hash), nil}
	for _, s := range n.Sigs {
		one := signature{Name: s.Name}
		if t, err := fnote.CoSigV1Timestamp(s); err == nil {
			one.Time = t.Unix()
		}
		result.Signatures = append(result.Signatures, one)
	}
	return result, nil
}

func verifierOf(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("not a vkey")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) == 0 {
		return nil, errors.New("not a vkey")
	}
	switch key[0] {
	case 1:
		return note.NewVerifier(vkey)
	case 6:
		return fnote.NewMLDSAVerifier(vkey)
	default:
		return fnote.NewVerifierForCosignatureV1(vkey)
	}
}

// receipt verifies a .tlog-proof: read by formats, proven by transparency-dev/merkle and by x/mod.
func receipt(args []string) (any, error) {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return nil, err
	}
	entry, err := os.ReadFile(args[1])
	if err != nil {
		return nil, err
	}
	p := &fproof.TLogProof{}
	if err := p.Unmarshal(text); err != nil {
		return nil, err
	}
	checkpoint, err := openText(p.Checkpoint, args[3:])
	if err != nil {
		return nil, err
	}
	if checkpoint.Origin != args[2] {
		return nil, fmt.Errorf("a receipt of %q", checkpoint.Origin)
	}
	root, err := base64.StdEncoding.DecodeString(checkpoint.Root)
	if err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(p.Hashes))
	record := make(tlog.RecordProof, 0, len(p.Hashes))
	for _, hash := range p.Hashes {
		hashes = append(hashes, hash[:])
		record = append(record, tlog.Hash(hash))
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(entry)
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, checkpoint.Size, leaf, hashes, root); err != nil {
		return nil, err
	}
	if err := tlog.CheckRecord(record, int64(checkpoint.Size), tlog.Hash(root), int64(p.Index), tlog.RecordHash(entry)); err != nil {
		return nil, err
	}
	return p.Index, nil
}

type proofs struct {
	Root        string              `json:"root"`
	Consistency []string            `json:"consistency"`
	Inclusion   map[string][]string `json:"inclusion"`
}

// prove makes proofs out of the tiles in a folder, with x/mod.
func prove(args []string) (any, error) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return nil, err
	}
	from, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return nil, err
	}
	reader := folder{args[0], uint64(size)}
	root, err := tlog.TreeHash(size, reader)
	if err != nil {
		return nil, err
	}
	tree, err := tlog.ProveTree(size, from, reader)
	if err != nil {
		return nil, err
	}
	result := proofs{root.String(), texts(tree), map[string][]string{}}
	for _, arg := range args[3:] {
		index, err := strconv.ParseInt(arg, 10, 64)
		if err != nil {
			return nil, err
		}
		record, err := tlog.ProveRecord(size, index, reader)
		if err != nil {
			return nil, err
		}
		result.Inclusion[arg] = texts(record)
	}
	return result, nil
}

func texts(hashes []tlog.Hash) []string {
	result := []string{}
	for _, hash := range hashes {
		result = append(result, hash.String())
	}
	return result
}

// folder reads the hashes that x/mod asks for out of tiles at the paths of C2SP.
type folder struct {
	path string
	size uint64
}

func (f folder) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	fetch := client.FileFetcher{Root: f.path}
	hashes := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		tile := tlog.TileForIndex(8, index)
		width := layout.PartialTileSize(uint64(tile.L), uint64(tile.N), f.size)
		data, err := fetch.ReadTile(context.Background(), uint64(tile.L), uint64(tile.N), width)
		if err != nil {
			return nil, err
		}
		tile.W = len(data) / tlog.HashSize
		hash, err := tlog.HashFromTile(tile, data, index)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

// sign signs a checkpoint with new keys of the three types, for Sallyport to verify.
func sign(args []string) (any, error) {
	size, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return nil, err
	}
	root, err := base64.StdEncoding.DecodeString(args[2])
	if err != nil {
		return nil, err
	}
	skey, vkey, err := note.GenerateKey(nil, args[0])
	if err != nil {
		return nil, err
	}
	mskey, mvkey, err := fnote.GenerateMLDSAKey("witness.example/go")
	if err != nil {
		return nil, err
	}
	ed25519, err := note.NewSigner(skey)
	if err != nil {
		return nil, err
	}
	cosigner, err := fnote.NewSignerForCosignatureV1(skey)
	if err != nil {
		return nil, err
	}
	mldsa, err := fnote.NewMLDSASigner(mskey)
	if err != nil {
		return nil, err
	}
	cvkey, err := fnote.VKeyToCosignatureV1(vkey)
	if err != nil {
		return nil, err
	}
	text := log.Checkpoint{Origin: args[0], Size: size, Hash: root}.Marshal()
	signed, err := note.Sign(&note.Note{Text: string(bytes.Clone(text))}, ed25519, cosigner, mldsa)
	if err != nil {
		return nil, err
	}
	return map[string]any{"note": string(signed), "vkeys": []string{vkey, cvkey, mvkey}, "skeys": []string{skey, mskey}}, nil
}
