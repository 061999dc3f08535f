// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Command agent acts on a managed cluster for the hub: it protects applications there, hands them over and recovers them.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	os.Exit(cli.Run(newCommand(ctrl.SetupSignalHandler())))
}
