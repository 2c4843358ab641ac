package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// witness is c2sp.org/tlog-witness for one log, in memory: everything that verifies and signs is of transparency-dev, as
// in the witness of that project, which released modules alone do not build.
type witness struct {
	origin   string
	verifier note.Verifier
	signers  []note.Signer
	mu       sync.Mutex
	newest   log.Checkpoint
}

// serve runs it with new keys of both types, and prints its address and vkeys.
func serve(args []string) (any, error) {
	verifier, err := note.NewVerifier(args[1])
	if err != nil {
		return nil, err
	}
	name := "witness.example/go"
	skey, vkey, err := note.GenerateKey(nil, name)
	if err != nil {
		return nil, err
	}
	cvkey, err := fnote.VKeyToCosignatureV1(vkey)
	if err != nil {
		return nil, err
	}
	ed25519, err := fnote.NewSignerForCosignatureV1(skey)
	if err != nil {
		return nil, err
	}
	mskey, mvkey, err := fnote.GenerateMLDSAKey(name)
	if err != nil {
		return nil, err
	}
	mldsa, err := fnote.NewMLDSASigner(mskey)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	started := map[string]any{"address": "http://" + listener.Addr().String(), "vkeys": []string{cvkey, mvkey}}
	if err := json.NewEncoder(os.Stdout).Encode(started); err != nil {
		return nil, err
	}
	w := &witness{origin: args[0], verifier: verifier, signers: []note.Signer{ed25519, mldsa}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.add)
	return nil, http.Serve(listener, mux)
}

func (w *witness) add(response http.ResponseWriter, request *http.Request) {
	old, hashes, raw, err := parse(http.MaxBytesReader(response, request.Body, 16<<10))
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	next, _, n, err := log.ParseCheckpoint(raw, w.origin, w.verifier)
	if err != nil {
		http.Error(response, err.Error(), http.StatusForbidden)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if old != w.newest.Size {
		response.Header().Set("Content-Type", "text/x.tlog.size")
		response.WriteHeader(http.StatusConflict)
		fmt.Fprintf(response, "%d\n", w.newest.Size)
		return
	}
	if old > 0 {
		err = proof.VerifyConsistency(rfc6962.DefaultHasher, old, next.Size, hashes, w.newest.Hash, next.Hash)
	} else if len(hashes) > 0 {
		err = errors.New("a proof from nothing")
	}
	if err != nil {
		http.Error(response, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	signed, err := note.Sign(&note.Note{Text: n.Text}, w.signers...)
	if err != nil {
		http.Error(response, err.Error(), http.StatusInternalServerError)
		return
	}
	w.newest = *next
	_, _ = response.Write(signed[len(n.Text)+1:])
}

func parse(body io.Reader) (uint64, [][]byte, []byte, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return 0, nil, nil, err
	}
	head, raw, found := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	var old uint64
	if n, err := fmt.Sscanf(lines[0], "old %d", &old); !found || err != nil || n != 1 {
		return 0, nil, nil, errors.New("not a request")
	}
	var hashes [][]byte
	for _, line := range lines[1:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return 0, nil, nil, err
		}
		hashes = append(hashes, hash)
	}
	return old, hashes, raw, nil
}
