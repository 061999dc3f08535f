// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package writer

import (
	"os"
	"path/filepath"

	"k8s.io/klog/v2"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// acks is the file that holds what was acknowledged to the writers of one claim, on any cluster.
type acks struct{ file *os.File }

func openAcks(dir string, claim layout.Claim) (*acks, error) {
	path := layout.AckPath(dir, claim)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &acks{file: f}, nil
}

// add acknowledges a record, which names its volume, with one write. It begins on a new line, because another simulator may have been killed in
// the middle of its own.
func (a *acks) add(r layout.Record) error {
	line, err := r.Line()
	if err != nil {
		return err
	}
	_, err = a.file.Write(append([]byte{'\n'}, line...))
	return err
}

func closeAll(all []*acks) {
	for _, a := range all {
		a.close()
	}
}

func (a *acks) close() {
	if err := a.file.Close(); err != nil {
		klog.ErrorS(err, "Acknowledgements not closed", "file", a.file.Name())
	}
}
