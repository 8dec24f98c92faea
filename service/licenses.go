package service

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
)

// licenses are the texts of all that is linked into the program, compressed: text that hardly anybody
// reads is not to make the program larger. `go test ./service -run Licenses -update` collects them.
//
//go:embed licenses.txt.gz
var licenses []byte

// printLicenses writes the licences of what the program is made of.
func printLicenses(w io.Writer) error {
	r, err := gzip.NewReader(bytes.NewReader(licenses))
	if err != nil {
		return fmt.Errorf("the licences in this build are damaged: %w", err)
	}
	_, err = io.Copy(w, r)
	return err
}
