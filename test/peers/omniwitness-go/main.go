//go:build tools

// Package omniwitness names the program that is built: transparency-dev/witness as its makers wrote it.
package omniwitness

import (
	_ "github.com/transparency-dev/witness/cmd/generate_keys"
	_ "github.com/transparency-dev/witness/cmd/omniwitness"
)
