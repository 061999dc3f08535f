// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ramendr/dr-apiserver/test/playground/layout"
)

// recordsTimeout is how long an application may take to write its first records.
const recordsTimeout = 30 * time.Second

// awaitRecords returns when records are being acknowledged on as many volumes of the namespace.
func awaitRecords(ctx context.Context, namespace string, volumes int) error {
	root, err := layout.Find()
	if err != nil {
		return err
	}
	before := acknowledged(root, namespace)
	ctx, cancel := context.WithTimeout(ctx, recordsTimeout)
	defer cancel()
	growing := 0
	err = wait.PollUntilContextCancel(ctx, 50*time.Millisecond, false, func(context.Context) (bool, error) {
		growing = 0
		for path, size := range acknowledged(root, namespace) {
			if size > before[path] {
				growing++
			}
		}
		return growing >= volumes, nil
	})
	if err != nil {
		return fmt.Errorf("records are written to %d of the %d volumes in namespace %s", growing, volumes, namespace)
	}
	return nil
}

// acknowledged returns how many bytes of records were acknowledged, by volume.
func acknowledged(root layout.Root, namespace string) map[string]int64 {
	sizes := map[string]int64{}
	paths, _ := filepath.Glob(root.Run("acknowledged", namespace, "*.jsonl"))
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			sizes[path] = info.Size()
		}
	}
	return sizes
}
