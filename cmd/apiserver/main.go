// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Command apiserver serves dr.ramen.io behind the kube-apiserver of a hub, and runs the controllers.
package main

import (
	"os"

	"k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
)

func main() {
	os.Exit(cli.Run(newCommand(server.SetupSignalContext())))
}
