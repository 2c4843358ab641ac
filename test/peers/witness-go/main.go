// The served log and the witnesses of Sallyport, against the Go implementations of the same formats and protocols.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const usage = `witness ORIGIN VKEY | fsck URL ORIGIN VKEY COSIGNER... | keygen ORIGIN | log FOLDER SKEY POLICYFILE COUNT`

func main() {
	commands := map[string]func([]string) (any, error){"witness": serve, "fsck": check, "keygen": keygen, "log": appendTo}
	if len(os.Args) < 3 || commands[os.Args[1]] == nil {
		fail(errors.New(usage))
	}
	result, err := commands[os.Args[1]](os.Args[2:])
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

// check derives every tile and the root of a served log from its entries, with the fsck of Tessera, and verifies the
// cosignatures on its checkpoint.
func check(args []string) (any, error) {
	ctx := context.Background()
	root, err := url.Parse(args[0])
	if err != nil {
		return nil, err
	}
	fetcher, err := client.NewHTTPFetcher(root, &http.Client{Timeout: 20 * time.Second})
	if err != nil {
		return nil, err
	}
	origin := args[1]
	verifier, err := note.NewVerifier(args[2])
	if err != nil {
		return nil, err
	}
	if err := fsck.New(origin, verifier, fetcher, hashBundle, fsck.Opts{N: 2}).Check(ctx); err != nil {
		return nil, err
	}
	raw, err := fetcher.ReadCheckpoint(ctx)
	if err != nil {
		return nil, err
	}
	return opened(raw, origin, verifier, args[3:])
}

func opened(raw []byte, origin string, verifier note.Verifier, vkeys []string) (any, error) {
	cosigners := make([]note.Verifier, 0, len(vkeys))
	for _, vkey := range vkeys {
		cosigner, err := cosignerOf(vkey)
		if err != nil {
			return nil, err
		}
		cosigners = append(cosigners, cosigner)
	}
	checkpoint, _, n, err := log.ParseCheckpoint(raw, origin, verifier, cosigners...)
	if err != nil {
		return nil, err
	}
	return map[string]any{"size": checkpoint.Size, "cosignatures": len(n.Sigs) - 1}, nil
}

func cosignerOf(vkey string) (note.Verifier, error) {
	if verifier, err := fnote.NewMLDSAVerifier(vkey); err == nil {
		return verifier, nil
	}
	return fnote.NewVerifierForCosignatureV1(vkey)
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

func keygen(args []string) (any, error) {
	skey, vkey, err := note.GenerateKey(nil, args[0])
	if err != nil {
		return nil, err
	}
	return map[string]string{"skey": skey, "vkey": vkey}, nil
}

// appendTo adds entries to a log of Tessera, whose checkpoints are published only when the witnesses of the policy have
// cosigned them.
func appendTo(args []string) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	signer, err := note.NewSigner(args[1])
	if err != nil {
		return nil, err
	}
	policy, err := os.ReadFile(args[2])
	if err != nil {
		return nil, err
	}
	group, err := tessera.NewWitnessGroupFromPolicy(policy)
	if err != nil {
		return nil, err
	}
	count, err := strconv.Atoi(args[3])
	if err != nil {
		return nil, err
	}
	driver, err := posix.New(ctx, posix.Config{Path: args[0]})
	if err != nil {
		return nil, err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(uint(count), 100*time.Millisecond).
		WithCheckpointInterval(200*time.Millisecond).
		WithWitnesses(group, nil)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, err
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 100*time.Millisecond)
	futures := make([]tessera.IndexFuture, 0, count)
	for i := range count {
		futures = append(futures, appender.Add(ctx, tessera.NewEntry(fmt.Appendf(nil, "%s %d", time.Now(), i))))
	}
	var published []byte
	for _, future := range futures {
		if _, published, err = awaiter.Await(ctx, future); err != nil {
			return nil, err
		}
	}
	if err := shutdown(ctx); err != nil {
		return nil, err
	}
	return map[string]string{"checkpoint": string(published)}, nil
}
