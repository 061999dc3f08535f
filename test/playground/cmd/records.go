// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ramendr/dr-apiserver/test/playground/layout"
	"github.com/ramendr/dr-apiserver/test/storagesim/records"
)

func newRecords() *cobra.Command {
	namespace, output := "", ""
	command := &cobra.Command{
		Use:   "records -n NAMESPACE",
		Short: "Count the records that an application wrote, where they survive, and who wrote when",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			root, err := layout.Find()
			if err != nil {
				return err
			}
			report, err := records.Read(root.Run(), namespace)
			if err != nil {
				return err
			}
			return write(cmd.OutOrStdout(), output, report, printRecords)
		},
	}
	command.Flags().StringVarP(&namespace, "namespace", "n", "", "the application's namespace")
	_ = command.MarkFlagRequired("namespace")
	addOutputFlag(command, &output)
	return command
}

func printRecords(out io.Writer, report *records.Report) {
	fmt.Fprintln(out, "VOLUME\tACKNOWLEDGED\tPRIMARY\tSURVIVING\tLOST\tCLUSTERS WRITING AT ONCE")
	for _, v := range report.Volumes {
		surviving := ""
		for _, c := range v.Copies {
			surviving += fmt.Sprintf("%s:%d ", c.Cluster, c.Surviving)
		}
		fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%d\t%d times\n",
			v.Claim, v.Acknowledged, v.Primary, surviving, v.Lost.Count, len(v.Overlaps))
	}
	if report.Torn > 0 {
		fmt.Fprintf(out, "\n%d records that were written to several volumes at once survive on some of them only.\n", report.Torn)
	}
	fmt.Fprintln(out, "\nVOLUME\tWRITER\tGENERATION\tRECORDS\tFROM\tTO")
	for _, v := range report.Volumes {
		for _, w := range v.Writers {
			fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%s\t%s\n", v.Claim, w.Cluster, w.Generation, w.Count,
				w.FirstTime.Format(time.TimeOnly), w.LastTime.Format(time.TimeOnly))
		}
	}
}

// recordsTimeout is how long an application may take to write its first records. Where storage dies while it makes a volume, the
// provisioner waits ever longer before it tries again.
const recordsTimeout = 3 * time.Minute

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
