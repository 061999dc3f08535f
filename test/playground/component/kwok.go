// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package component

import (
	"os"
	"path/filepath"
	"strings"

	_ "embed"

	"github.com/ramendr/dr-apiserver/test/playground/process"
)

// Kwok is the name of the program that plays the kubelets.
const Kwok = "kwok"

// kwokStages say what becomes of nodes and pods, and kubeletPort stands for the port at which nodes are asked for logs.
//
//go:embed kwok.yaml
var kwokStages string

const kubeletPort = "KUBELET_PORT"

// Kubelets makes the cluster's nodes ready and its pods run.
func (c Cluster) Kubelets() (process.Spec, error) {
	config := c.Dir("kwok.yaml")
	if err := os.MkdirAll(filepath.Dir(config), 0o755); err != nil {
		return process.Spec{}, err
	}
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(kwokStages, kubeletPort, itoa(c.port(kubelet)))), 0o644); err != nil {
		return process.Spec{}, err
	}
	args := []string{
		"--kubeconfig=" + c.Kubeconfig(), "--config=" + config,
		"--manage-all-nodes", "--node-ip=127.0.0.1", "--cidr=10.244.0.0/16",
		"--server-address=" + c.Address(Kwok),
		"--v=WARN",
	}
	return c.process(Kwok, c.Root.Tool("kwok"), args, c.serving("http://"+c.Address(Kwok)+"/readyz"), Kwok), nil
}
